// SPDX-License-Identifier: GPL-2.0
/* Reading and writing JSON: see json_file.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_file.h"
#include "json_file.h"

struct json_object *json_file_read(const char *path, uint64_t limit, struct message *message)
{
	struct json_tokener *tokener;
	struct json_object *root;
	struct bytes file;

	if (read_file(path, limit, &file, message))
		return NULL;
	tokener = json_tokener_new();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, (const char *)file.data, (int)file.size);
	if (!root || !json_object_is_type(root, json_type_object)) {
		fail(message, "%s: not a JSON object (%s at byte %zu)", path,
		     json_tokener_error_desc(json_tokener_get_error(tokener)),
		     json_tokener_get_parse_end(tokener));
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tokener);
	free((void *)file.data);
	return root;
}

int parse_number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	return text[0] < '0' || text[0] > '9' || errno || *end ? -1 : 0;
}

int json_number(struct json_object *object, const char *name, uint64_t max, uint64_t *value,
		struct message *message)
{
	const char *text = json_object_get_string(object);

	/* As a string it is the same for numbers, and exact beyond 63 bits. */
	if ((!json_object_is_type(object, json_type_int) &&
	     !json_object_is_type(object, json_type_string)) ||
	    parse_number(text, value) || *value > max)
		return fail(message, "%s: not a number from 0 to %#llx: %s", name,
			    (unsigned long long)max, text ? text : "null");
	return 0;
}

void json_add_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value ? json_object_new_string(value) : NULL);
}

void json_add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

void json_add_hex(struct json_object *object, const char *key, uint64_t value)
{
	char text[20];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)value);
	json_add_string(object, key, text);
}
