/* SPDX-License-Identifier: GPL-2.0 */
/* minivmx vmcs set: changes of fields, and the words of their refusal. */
#ifndef VMCS_SET_H
#define VMCS_SET_H

#include <stddef.h>
#include <stdint.h>

#include "libminivmx.h"
#include "message.h"

enum vmcs_operation { VMCS_ASSIGN, VMCS_SET_BITS, VMCS_CLEAR_BITS };

/**
 * struct vmcs_change - one change
 * @encoding: of the field
 * @operation: what becomes of it
 * @value: the value, or the bits
 */
struct vmcs_change {
	uint32_t encoding;
	enum vmcs_operation operation;
	uint64_t value;
};

/*
 * Understand FIELD=VALUE, FIELD+=BITS or FIELD-=BITS; BITS is a number or the name of
 * one bit. 0, or -1 with a message.
 */
int vmcs_change_parse(const char *text, struct vmcs_change *change, struct message *message);

/*
 * Make all changes, each field once, in one call of MINIVMX_SET_VMCS. Returns an exit
 * status, and has said on stderr why it is not STATUS_OK; nothing is changed then.
 */
int vmcs_changes_apply(int vcpu, const struct vmcs_change *changes, size_t nr);

/* Why a row with a result is refused, in a line that begins with the field's name. */
void vmcs_refusal(const struct minivmx_vmcs_field *field, struct message *message);

#endif /* VMCS_SET_H */
