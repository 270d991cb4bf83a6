// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: selftests/unit/fake_minivmx.c userspace/lib/names.c userspace/lib/verdict.c userspace/lib/caps.c userspace/runner/vmcs_fields.c userspace/runner/vmcs_decode.c userspace/runner/vmcs_set.c userspace/runner/vmcs_diff.c userspace/runner/vmcs_dump.c userspace/runner/verdict_print.c userspace/runner/caps_file.c userspace/runner/colour.c userspace/runner/json_file.c userspace/runner/image_file.c userspace/runner/message.c
 * LIBS: -ljson-c
 */
/*
 * What minivmx vmcs is made of: fields by name, their bits in words, changes and why
 * they are refused, and dumps.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/exit_status.h"
#include "../../userspace/runner/verdict_print.h"
#include "../../userspace/runner/vmcs_decode.h"
#include "../../userspace/runner/vmcs_diff.h"
#include "../../userspace/runner/vmcs_dump.h"
#include "../../userspace/runner/vmcs_fields.h"
#include "../../userspace/runner/vmcs_set.h"
#include "fake_minivmx.h"

enum {
#define FIELD(encoding, name, policy, meaning) name = encoding,
#include "../../module/fields.def"
#undef FIELD
};

/* ---- Names ---- */

static uint32_t field(const char *text)
{
	uint32_t encoding;

	return vmcs_field_parse(text, &encoding) ? UINT32_MAX : encoding;
}

TEST(fields_by_name)
{
	EXPECT_EQ(field("GUEST_CR0"), GUEST_CR0);
	EXPECT_EQ(field("guest_cr0"), GUEST_CR0);
	EXPECT_EQ(field("cr0"), GUEST_CR0);
	EXPECT_EQ(field("host_cr0"), HOST_CR0);
	EXPECT_EQ(field("efer"), GUEST_IA32_EFER);
	EXPECT_EQ(field("ia32_efer"), GUEST_IA32_EFER);
	EXPECT_EQ(field("exit_controls"), VM_EXIT_CONTROLS);
	EXPECT_EQ(field("exit_reason"), EXIT_REASON);
	EXPECT_EQ(field("0x6800"), GUEST_CR0);
	EXPECT_EQ(field("0xffff"), 0xffff);
	EXPECT_EQ(field("cr"), UINT32_MAX);
	EXPECT_EQ(field(""), UINT32_MAX);
	EXPECT_EQ(field("6800"), UINT32_MAX);
	EXPECT_EQ(field("0x"), UINT32_MAX);
	EXPECT_EQ(field("0x100000000"), UINT32_MAX);
}

/* A name without its prefix means one field: else it would be the first of some. */
TEST(short_names_are_clear)
{
	for (size_t i = 0; i < nr_vmcs_fields; i++) {
		const char *name = vmcs_fields[i].name;

		EXPECT_EQ(field(name), vmcs_fields[i].encoding);
		if (!strncmp(name, "GUEST_", 6))
			EXPECT_EQ(field(name + 6), vmcs_fields[i].encoding);
		if (!strncmp(name, "VM_", 3))
			EXPECT_EQ(field(name + 3), vmcs_fields[i].encoding);
	}
}

TEST(patterns)
{
	const struct vmcs_field *cs = vmcs_field_by_encoding(GUEST_CS_ACCESS);

	EXPECT_TRUE(vmcs_field_matches(cs, "cs"));
	EXPECT_TRUE(vmcs_field_matches(cs, "CS_ACCESS"));
	EXPECT_TRUE(vmcs_field_matches(cs, "guest_?s_*"));
	EXPECT_TRUE(vmcs_field_matches(cs, "GUEST_[CD]S_ACCESS"));
	EXPECT_TRUE(vmcs_field_matches(cs, "0x4816"));
	EXPECT_FALSE(vmcs_field_matches(cs, "cs*"));
	EXPECT_FALSE(vmcs_field_matches(cs, "0x481"));
	EXPECT_FALSE(vmcs_field_matches(cs, "ds"));
	EXPECT_TRUE(vmcs_is_pattern("cr0"));
	EXPECT_TRUE(vmcs_is_pattern("*x"));
	EXPECT_TRUE(vmcs_is_pattern("0x6800"));
	EXPECT_FALSE(vmcs_is_pattern("web"));
	EXPECT_FALSE(vmcs_is_pattern("guest"));
	EXPECT_FALSE(vmcs_is_pattern("1234"));
}

TEST(groups_and_widths)
{
	EXPECT_STREQ(vmcs_group_name(vmcs_field_group(VPID)), "control");
	EXPECT_STREQ(vmcs_group_name(vmcs_field_group(EXIT_REASON)), "exit information");
	EXPECT_STREQ(vmcs_group_name(vmcs_field_group(GUEST_CR0)), "guest");
	EXPECT_STREQ(vmcs_group_name(vmcs_field_group(HOST_CR0)), "host");
	EXPECT_STREQ(vmcs_field_width(VPID), "16-bit");
	EXPECT_STREQ(vmcs_field_width(TSC_OFFSET), "64-bit");
	EXPECT_STREQ(vmcs_field_width(EXIT_REASON), "32-bit");
	EXPECT_STREQ(vmcs_field_width(GUEST_CR0), "natural");
	for (size_t i = 0; i < nr_vmcs_fields; i++)
		EXPECT_LE(strlen(vmcs_fields[i].policy), 28);
}

/* ---- Bits ---- */

TEST(decoding)
{
	static const struct {
		uint32_t encoding;
		uint64_t value;
		const char *words;
	} cases[] = {
		{ GUEST_CR0, 0x80000031, "PE, ET, NE, PG" },
		{ GUEST_CR0, 0, "" },
		{ GUEST_CR0, 1ULL << 40 | 1, "PE, others 0x10000000000" },
		{ HOST_CR4, 0x2020, "PAE, VMXE" },
		{ CR4_READ_SHADOW, 1 << 12 | 1ULL << 32, "LA57, FRED" },
		{ GUEST_IA32_EFER, 0x501, "SCE, LME, LMA" },
		{ GUEST_RFLAGS, 2, "always 1" },
		{ GUEST_RFLAGS, 0x3202, "always 1, IF, IOPL 3" },
		{ GUEST_CS_ACCESS, 0xa09b, "code readable accessed, P, L, G" },
		{ GUEST_SS_ACCESS, 0xc0f7, "data expand-down writable accessed, DPL 3, P, D/B, G" },
		{ GUEST_TR_ACCESS, 0x8b, "busy TSS, P" },
		{ GUEST_LDTR_ACCESS, 0x10082, "unusable, LDT, P" },
		{ GUEST_LDTR_ACCESS, 0x10000, "unusable, system type 0" },
		{ GUEST_INTERRUPTIBILITY, 9, "blocking by STI, blocking by NMI" },
		{ GUEST_ACTIVITY, 0, "active" },
		{ GUEST_ACTIVITY, 1, "HLT" },
		{ GUEST_ACTIVITY, 3, "wait-for-SIPI" },
		{ GUEST_ACTIVITY, 4, "0x4" },
		{ EXCEPTION_BITMAP, 0x60002, "#DB, #AC, #MC" },
		{ EXCEPTION_BITMAP, 0x8200, "bit 9, bit 15" },
		{ GUEST_PENDING_DEBUG, 0x5001, "B0, enabled breakpoint, BS" },
		{ GUEST_IA32_DEBUGCTL, 3, "LBR, BTF" },
		{ EXIT_REASON, 10, "CPUID" },
		{ EXIT_REASON, 0x80000021, "INVALID_STATE, VM-entry failure" },
		{ EXIT_REASON, 1234, "reason 1234" },
		{ VM_ENTRY_INTR_INFO, 0, "none" },
		{ VM_ENTRY_INTR_INFO, 0x30e, "none" },
		{ EXIT_INTR_INFO, 0x80000b0e, "hardware exception, #PF, with error code" },
		{ EXIT_INTR_INFO, 0x80001b0d,
		  "hardware exception, #GP, with error code, NMI unblocking due to IRET" },
		{ IDT_VECTORING_INFO, 0x80000021, "external interrupt, vector 33" },
		{ VM_ENTRY_INTR_INFO, 0x80000180, "type 1, vector 128" },
		{ VM_INSTRUCTION_ERROR, 7, "VM entry with an invalid control field" },
		{ VM_INSTRUCTION_ERROR, 0, "" },
		{ PIN_BASED_CONTROLS, 0x9,
		  "external-interrupt exiting, NMI exiting" },
		{ CPU_BASED_CONTROLS, 0x1082, "HLT exiting, RDTSC exiting, others 0x2" },
		{ SECONDARY_VM_EXIT_CONTROLS, 1, "save IA32_FRED" },
		{ GUEST_RIP, 0x7c00, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *words = vmcs_decode(cases[i].encoding, cases[i].value);

		EXPECT_STREQ(words, cases[i].words);
		free(words);
	}
}

TEST(bits_by_name)
{
	char *names;

	EXPECT_EQ(vmcs_bit_by_name(GUEST_CR4, "pae"), 5);
	EXPECT_EQ(vmcs_bit_by_name(CPU_BASED_CONTROLS, "rdtsc exiting"), 12);
	EXPECT_EQ(vmcs_bit_by_name(EXCEPTION_BITMAP, "#UD"), 6);
	EXPECT_EQ(vmcs_bit_by_name(GUEST_CR4, "HLT exiting"), -1);
	EXPECT_EQ(vmcs_bit_by_name(GUEST_RIP, "pae"), -1);
	EXPECT_EQ(vmcs_bit_by_name(GUEST_RFLAGS, "IOPL"), -1);
	EXPECT_STREQ(vmcs_bit_name(GUEST_CR0, 31), "PG");
	EXPECT_EQ(vmcs_bit_name(GUEST_CR0, 40), NULL);
	EXPECT_EQ(vmcs_bit_name(GUEST_ACTIVITY, 1), NULL);
	names = vmcs_name_bits(CPU_BASED_CONTROLS, 0x1082);
	EXPECT_STREQ(names, "bit 1, \"HLT exiting\", \"RDTSC exiting\"");
	free(names);
	names = vmcs_name_bits(GUEST_RFLAGS, 1ULL << 63 | 0x1200);
	EXPECT_STREQ(names, "IF, bit 12, bit 63");
	free(names);
}

/* ---- Changes ---- */

TEST(changes_are_understood)
{
	struct vmcs_change change;
	struct message message;

	ASSERT_EQ(vmcs_change_parse("cr0=0x31", &change, &message), 0);
	EXPECT_EQ(change.encoding, GUEST_CR0);
	EXPECT_EQ(change.operation, VMCS_ASSIGN);
	EXPECT_EQ(change.value, 0x31);
	ASSERT_EQ(vmcs_change_parse("GUEST_CR4+=PAE", &change, &message), 0);
	EXPECT_EQ(change.operation, VMCS_SET_BITS);
	EXPECT_EQ(change.value, 1 << 5);
	ASSERT_EQ(vmcs_change_parse("cpu_based_controls-=RDTSC exiting", &change, &message), 0);
	EXPECT_EQ(change.operation, VMCS_CLEAR_BITS);
	EXPECT_EQ(change.value, 1 << 12);
	ASSERT_EQ(vmcs_change_parse("0x6820+=0x100", &change, &message), 0);
	EXPECT_EQ(change.encoding, GUEST_RFLAGS);
	EXPECT_EQ(change.value, 0x100);
	ASSERT_EQ(vmcs_change_parse("tsc_offset=18446744073709551615", &change, &message), 0);
	EXPECT_EQ(change.value, UINT64_MAX);
}

TEST(changes_that_are_none)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "cr0", "not FIELD=VALUE" },
		{ "=1", "not FIELD=VALUE" },
		{ "", "not FIELD=VALUE" },
		{ "+=1", "no VMCS field is called ''" },
		{ "crx=1", "no VMCS field is called 'crx'" },
		{ "cr0=", "not a number" },
		{ "cr0=-1", "not a number" },
		{ "cr0=1x", "not a number" },
		{ "cr0=PE", "not a number" }, { "cr0=0x10000000000000000", "not a number" },
		{ "cr0+=", "neither a number nor the name of a bit" },
		{ "cr0+=PAE", "neither a number nor the name of a bit there: 'PAE'" },
		{ "cr0 =1", "no VMCS field is called 'cr0 '" },
		{ "a_name_that_is_longer_than_any_field_of_the_manual_has_ever_been_or_will_be=1",
		  "no VMCS field" },
	};
	struct vmcs_change change;
	struct message message;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(vmcs_change_parse(cases[i].text, &change, &message), -1);
		if (!strstr(message.text, cases[i].words))
			EXPECT_STREQ(message.text, cases[i].words);
	}
}

static const char *refusal(uint32_t encoding, uint32_t result, uint64_t value, uint64_t refused)
{
	const struct minivmx_vmcs_field row = {
		.encoding = encoding, .result = result, .value = value, .refused = refused,
	};
	static struct message message;

	vmcs_refusal(&row, &message);
	return message.text;
}

TEST(refusals)
{
	EXPECT_STREQ(refusal(CPU_BASED_CONTROLS, EPERM, 0, 0x80),
		     "CPU_BASED_CONTROLS: minivmx's own: has to stay 1: \"HLT exiting\"");
	EXPECT_STREQ(refusal(EXCEPTION_BITMAP, EPERM, 0, 0x20002),
		     "EXCEPTION_BITMAP: minivmx's own: has to stay 1: #DB, #AC");
	EXPECT_STREQ(refusal(GUEST_CR4, EPERM, 1 << 24, 1 << 24 | 1 << 13),
		     "GUEST_CR4: minivmx's own: has to stay 0: PKS; has to stay 1: VMXE");
	EXPECT_STREQ(refusal(GUEST_ACTIVITY, EPERM, 2, 2),
		     "GUEST_ACTIVITY: it is not for programs to write: active or HLT");
	EXPECT_STREQ(refusal(VPID, EPERM, 2, 3),
		     "VPID: it is not for programs to write: minivmx's own");
	EXPECT_STREQ(refusal(HOST_RIP, EPERM, 2, UINT64_MAX),
		     "HOST_RIP: it is not for programs to write: the host's");
	EXPECT_STREQ(refusal(HOST_CR0, EPERM, 2, UINT64_MAX),
		     "HOST_CR0: it is not for programs to write: the host's");
	EXPECT_STREQ(refusal(SECONDARY_CONTROLS, EINVAL, 1 << 11, 1 << 11),
		     "SECONDARY_CONTROLS: on this CPU cannot be 1: \"RDRAND exiting\"");
	EXPECT_STREQ(refusal(CPU_BASED_CONTROLS, EINVAL, 0, 2),
		     "CPU_BASED_CONTROLS: on this CPU cannot be 0: bit 1");
	EXPECT_STREQ(refusal(EXIT_REASON, EACCES, 2, 0),
		     "EXIT_REASON: read-only: it has exit information, which the CPU writes");
	EXPECT_STREQ(refusal(GUEST_CS_SELECTOR, ERANGE, 0x10000, 0x10000),
		     "GUEST_CS_SELECTOR: 0x10000 is too wide for a 16-bit field");
	EXPECT_STREQ(refusal(0x6801, ENOENT, 0, 0), "0x6801: the manual has no such field");
	EXPECT_STREQ(refusal(GUEST_SSP, ENODEV, 0, 0), "GUEST_SSP: this CPU does not have it");
}

FIXTURE(vmcs)
{
	struct minivmx_vmcs_field rows[8];
	char *errors;
};

FIXTURE_SETUP(vmcs)
{
	static const struct minivmx_vmcs_field rows[] = {
		{ .encoding = GUEST_CR0, .value = 0x31 },
		{ .encoding = GUEST_RFLAGS, .value = 2 },
		{ .encoding = CPU_BASED_CONTROLS, .value = 0x82, .result = EPERM, .refused = 0x80 },
		{ .encoding = EXIT_REASON, .value = 10, .result = EACCES, .refused = UINT64_MAX },
		{ .encoding = HOST_CR0, .value = 0x80050033, .result = EPERM,
		  .refused = UINT64_MAX },
		{ .encoding = HOST_RIP, .value = 0xffffffff81000000 },
	};

	memcpy(self->rows, rows, sizeof(rows));
	self->errors = NULL;
	fake_vmcs = self->rows;
	fake_vmcs_nr = ARRAY_SIZE(rows);
	fake_vmcs_error = 0;
	fake_vmcs_sets = 0;
}

FIXTURE_TEARDOWN(vmcs)
{
	free(self->errors);
}

static int apply(struct _test_data_vmcs *self, size_t nr, const char *const texts[])
{
	struct vmcs_change changes[8];
	struct message message;
	FILE *old = stderr;
	size_t size;
	int status;

	for (size_t i = 0; i < nr; i++)
		if (vmcs_change_parse(texts[i], &changes[i], &message))
			abort();
	free(self->errors);
	stderr = open_memstream(&self->errors, &size);
	status = vmcs_changes_apply(3, changes, nr);
	fclose(stderr);
	stderr = old;
	return status;
}

#define APPLY(...)							\
	apply(self, ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })),	\
	      (const char *const[]){ __VA_ARGS__ })

TEST_F(vmcs, set)
{
	EXPECT_EQ(APPLY("cr0=0x33", "rflags+=IF", "rflags+=0x100",
			"cpu_based_controls+=RDTSC exiting"), STATUS_OK);
	EXPECT_STREQ(self->errors, "");
	EXPECT_EQ(fake_vmcs_sets, 1);
	EXPECT_EQ(self->rows[0].value, 0x33);
	EXPECT_EQ(self->rows[1].value, 0x302);
	EXPECT_EQ(self->rows[2].value, 0x1082);
	/* in the order in which they stand there */
	EXPECT_EQ(APPLY("rflags-=0x300", "rflags=0x10", "rflags+=2"), STATUS_OK);
	EXPECT_EQ(self->rows[1].value, 0x12);
}

TEST_F(vmcs, set_all_or_nothing)
{
	EXPECT_EQ(APPLY("cr0=0x33", "cpu_based_controls-=HLT exiting", "exit_reason=0"), STATUS_VM);
	EXPECT_STREQ(self->errors,
		     "minivmx: CPU_BASED_CONTROLS: minivmx's own: has to stay 1: \"HLT exiting\"\n"
		     "minivmx: EXIT_REASON: read-only: it has exit information, which the CPU writes\n"
		     "minivmx: no field was changed\n");
	EXPECT_EQ(self->rows[0].value, 0x31);
	EXPECT_EQ(APPLY("ssp+=1"), STATUS_VM);
	EXPECT_STREQ(self->errors, "minivmx: GUEST_SSP: this CPU does not have it\n");
	EXPECT_EQ(fake_vmcs_sets, 0);
}

TEST_F(vmcs, set_of_a_vm_that_is_dead)
{
	fake_vmcs_error = EIO;
	EXPECT_EQ(APPLY("cr0=0x33"), STATUS_HOST);
	EXPECT_STREQ(self->errors, "minivmx: the VMCS cannot be written: Input/output error\n");
}

/* ---- Dumps ---- */

static const struct minivmx_vmcs_field *row(const struct minivmx_vmcs_dump *dump,
					    uint32_t encoding)
{
	for (unsigned int i = 0; i < dump->nr_fields; i++)
		if (dump->fields[i].encoding == encoding)
			return &dump->fields[i];
	abort();
}

TEST_F(vmcs, dump)
{
	struct minivmx_vmcs_dump dump;
	struct message message;

	ASSERT_EQ(vmcs_dump_take(3, -1, &dump, &message), 0);
	EXPECT_EQ(dump.nr_fields, nr_vmcs_fields);
	EXPECT_EQ(row(&dump, GUEST_CR0)->value, 0x31);
	EXPECT_EQ(row(&dump, HOST_CR0)->result, 0);
	EXPECT_EQ(row(&dump, GUEST_SSP)->result, ENODEV);
	EXPECT_FALSE(vmcs_host_is_hidden(3));
	vmcs_dump_free(&dump);
	fake_vmcs_error = EIO;
	EXPECT_EQ(vmcs_dump_take(3, -1, &dump, &message), -1);
	EXPECT_STREQ(message.text, "the VMCS cannot be read: Input/output error");
}

/* Zeros instead of the host's values must not be taken for such. */
TEST_F(vmcs, dump_without_privilege)
{
	struct minivmx_vmcs_dump dump;
	struct message message;
	struct json_object *root, *fields;

	self->rows[4].value = 0;
	self->rows[5].value = 0;
	ASSERT_EQ(vmcs_dump_take(3, -1, &dump, &message), 0);
	EXPECT_EQ(row(&dump, HOST_CR0)->result, EPERM);
	EXPECT_EQ(row(&dump, HOST_RIP)->result, EPERM);
	EXPECT_EQ(row(&dump, HOST_CR3)->result, ENODEV);
	EXPECT_EQ(row(&dump, GUEST_CR0)->result, 0);
	EXPECT_TRUE(vmcs_host_is_hidden(3));
	root = vmcs_dump_to_json(&dump);
	fields = json_object_object_get(root, "fields");
	EXPECT_EQ(json_object_object_length(fields), 4);
	EXPECT_EQ(json_object_object_get(fields, "HOST_CR0"), NULL);
	json_object_put(root);
	vmcs_dump_free(&dump);
}

TEST_F(vmcs, dump_and_back)
{
	struct minivmx_vmcs_dump dump, again;
	char path[] = "/tmp/minivmx-dump-XXXXXX";
	struct message message;
	struct json_object *root;

	ASSERT_EQ(vmcs_dump_take(3, -1, &dump, &message), 0);
	dump.caps = (struct minivmx_caps) {
		.vmx_msrs = { 0x00d810000000002b },
		.physical_bits = 39, .linear_bits = 57, .rtm = 1,
	};
	close(mkstemp(path));
	root = vmcs_dump_to_json(&dump);
	EXPECT_EQ(json_object_to_file(path, root), 0);
	json_object_put(root);
	ASSERT_EQ(vmcs_dump_read(path, &again, &message), 0);
	unlink(path);
	EXPECT_EQ(again.nr_fields, 6);
	EXPECT_EQ(row(&again, HOST_RIP)->value, 0xffffffff81000000);
	EXPECT_EQ(memcmp(&again.caps, &dump.caps, sizeof(dump.caps)), 0);
	EXPECT_EQ(vmcs_diff(&dump, &again), 0);
	vmcs_dump_free(&dump);
	vmcs_dump_free(&again);
}

TEST_F(vmcs, difference)
{
	struct minivmx_vmcs_dump a, b;
	struct message message;
	FILE *old = stdout;
	char *text;
	size_t size;

	ASSERT_EQ(vmcs_dump_take(3, -1, &a, &message), 0);
	self->rows[0].value = 0x80000011;
	self->rows[1].value = 0;
	self->rows[3].value = 12;
	self->rows[5].encoding = GUEST_RIP;
	ASSERT_EQ(vmcs_dump_take(3, -1, &b, &message), 0);
	stdout = open_memstream(&text, &size);
	EXPECT_EQ(vmcs_diff(&a, &b), 5);
	fclose(stdout);
	stdout = old;
	EXPECT_STREQ(text,
		     "EXIT_REASON (0x4402)\n"
		     "  - 0x0000000a  CPUID\n"
		     "  + 0x0000000c  HLT\n"
		     "GUEST_CR0 (0x6800)\n"
		     "  - 0x0000000000000031  PE, ET, NE\n"
		     "  + 0x0000000080000011  PE, ET, PG\n"
		     "    became 1: PG\n"
		     "    became 0: NE\n"
		     "GUEST_RIP (0x681e)\n"
		     "  - not there\n"
		     "  + 0xffffffff81000000\n"
		     "GUEST_RFLAGS (0x6820)\n"
		     "  - 0x0000000000000002  always 1\n"
		     "  + 0x0000000000000000\n"
		     "    became 0: always 1\n"
		     "HOST_RIP (0x6c16)\n"
		     "  - 0xffffffff81000000\n"
		     "  + not there\n");
	free(text);
	vmcs_dump_free(&a);
	vmcs_dump_free(&b);
}

TEST(verdict_with_the_cpus_first)
{
	static struct verdict verdict = {
		.broken = {
			{ .name = "a", .refusal = MINIVMX_REFUSED_CONTROLS },
			{ .name = "b", .refusal = MINIVMX_REFUSED_GUEST },
			{ .name = "c", .refusal = MINIVMX_REFUSED_HOST },
			{ .name = "d", .refusal = MINIVMX_REFUSED_GUEST },
		},
		.nr = 4,
	};

	verdict_sort(&verdict, MINIVMX_REFUSED_GUEST);
	EXPECT_STREQ(verdict.broken[0].name, "b");
	EXPECT_STREQ(verdict.broken[1].name, "d");
	EXPECT_STREQ(verdict.broken[2].name, "a");
	EXPECT_STREQ(verdict.broken[3].name, "c");
}

TEST_HARNESS_MAIN
