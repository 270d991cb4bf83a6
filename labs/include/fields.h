/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The manual's names: VMCS fields by their encodings (GUEST_CR0), controls as bits of
 * their word (ENTRY_IA32E_GUEST), basic exit reasons (REASON_CPUID). The tables are the
 * module's own.
 */
#ifndef LABS_FIELDS_H
#define LABS_FIELDS_H

enum {
#define FIELD(encoding, name, policy, meaning) name = encoding,
#include "../../module/fields.def"
#undef FIELD
};

enum {
#define CONTROL(word, bit, name, need, user, text, why) word##_##name = (int)(1U << (bit)),
#include "../../module/controls.def"
#undef CONTROL
};

enum {
#define EXIT(number, name, handler, fields, flags) REASON_##name = number,
#include "../../module/exits.def"
#undef EXIT
};

#endif /* LABS_FIELDS_H */
