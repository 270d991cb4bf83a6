/* SPDX-License-Identifier: GPL-2.0 */
/* Reading and writing JSON: what the commands have in common. */
#ifndef JSON_FILE_H
#define JSON_FILE_H

#include <json-c/json.h>
#include <stdint.h>

#include "message.h"

/*
 * The object that is all of @path, which has at most @limit bytes. NULL with a
 * message that names the file. Free with json_object_put().
 */
struct json_object *json_file_read(const char *path, uint64_t limit, struct message *message);

/* All of @text is a number that is not negative, decimal or behind 0x. 0 or -1. */
int parse_number(const char *text, uint64_t *value);
/* A number or a string with one, up to @max. 0, or -1 with a message with @name. */
int json_number(struct json_object *object, const char *name, uint64_t max, uint64_t *value,
		struct message *message);

/* Members of an object; without a value, null. */
void json_add_string(struct json_object *object, const char *key, const char *value);
void json_add_number(struct json_object *object, const char *key, uint64_t value);
/* As a string: 64 bits are too much for many readers of JSON. */
void json_add_hex(struct json_object *object, const char *key, uint64_t value);

#endif /* JSON_FILE_H */
