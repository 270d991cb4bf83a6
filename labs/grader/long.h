/* SPDX-License-Identifier: GPL-2.0 */
/* A guest in 64-bit mode with a GDT and an IDT, by the student's functions of labs 1 and 2. */
#ifndef LABS_LONG_H
#define LABS_LONG_H

#include "grader.h"
#include "vmcs.h"

#define LONG_SIZE	(8UL << 20)
#define LONG_TABLES	0x10000		/* three pages */
#define LONG_GDT	0x14000
#define LONG_IDT	0x15000
#define LONG_CODE	0x20000
#define LONG_HANDLERS	0x30000		/* 256 of 16 bytes */
#define LONG_STACK	0x80000		/* top */
#define LONG_DATA	0x100000

/* A new VM like that; @flags are vm_create()'s. */
void new_long(struct vm *vm, struct vcpu *vcpu, uint32_t flags);
/* Execute from @code on, with the registers as they are. */
void long_code(struct vcpu *vcpu, const char *code, const char *code_end);
#define LONG_CODE_IS(vcpu, code)	long_code(vcpu, code, code##_end)
/* What an exception or interrupt executes; by default it is a HLT. */
void long_handler(struct vm *vm, unsigned int vector, const char *code, const char *code_end);
/* Handlers of vectors 32 to 255 that append their vector at R12, which begins at @log. */
void long_log(struct vcpu *vcpu, uint64_t log);
/* A field, by the grader's own hand. */
uint64_t field_get(struct vcpu *vcpu, uint32_t encoding);
void field_set(struct vcpu *vcpu, uint32_t encoding, uint64_t value);

#endif /* LABS_LONG_H */
