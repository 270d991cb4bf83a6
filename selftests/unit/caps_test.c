// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: selftests/unit/fake_minivmx.c userspace/lib/caps.c userspace/runner/cmd_caps.c userspace/runner/caps_decode.c userspace/runner/caps_file.c userspace/runner/json_file.c userspace/runner/open_device.c userspace/runner/image_file.c userspace/runner/message.c
 * LIBS: -ljson-c
 */
/*
 * What the capability MSRs say, decoded; what minivmx makes of the controls on CPUs
 * that lack something; and minivmx caps with a module that is made up.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/caps_decode.h"
#include "../../userspace/runner/commands.h"
#include "../../userspace/runner/exit_status.h"
#include "fake_minivmx.h"

#define BIT(n)		(1ULL << (n))
#define MAY(must, may)	((must) | (uint64_t)(may) << 32)
#define ANY		0xffffffffU
#define MAX_CONTROLS	256

/* The MSRs by index. */
enum {
	BASIC, PIN, CPU, EXIT, ENTRY, MISC, CR0_FIXED0, CR0_FIXED1, CR4_FIXED0, CR4_FIXED1,
	VMCS_ENUM, CPU2, EPT_VPID, TRUE_PIN, TRUE_CPU, TRUE_EXIT, TRUE_ENTRY, VMFUNC, CPU3, EXIT2,
};

/* All that minivmx uses, and the default1 bits of the "TRUE" MSRs. */
static const struct minivmx_caps full = {
	.vmx_msrs = {
		0x00d810000000002b,
		MAY(0x16, ANY), MAY(0x0401e172, ANY), MAY(0x36dff, ANY), MAY(0x11ff, ANY),
		0x600401e0, 0x80000021, 0xffffffff, 0x2000, 0x3727ff, 0x34,
		MAY(0, ANY), 0x00000f0106334141,
		MAY(0x16, ANY), MAY(0x04006172, ANY), MAY(0x36dfb, ANY), MAY(0x11fb, ANY),
		1, 0xff, 0x8,
	},
	.physical_bits = 39, .linear_bits = 57, .rtm = 1, .perf_global = 1,
};

static const struct minivmx_control *find(const struct minivmx_caps *caps,
					  enum minivmx_word word, const char *name)
{
	static struct minivmx_control controls[MAX_CONTROLS];
	int i, nr = minivmx_controls(caps, controls, MAX_CONTROLS);

	for (i = 0; i < nr; i++)
		if (controls[i].word == word && !strcmp(controls[i].name, name))
			return &controls[i];
	abort();
}

static enum minivmx_use use(const struct minivmx_caps *caps, enum minivmx_word word,
			    const char *name)
{
	return find(caps, word, name)->use;
}

/* ---- Controls ---- */

TEST(controls_are_ordered_and_have_reasons)
{
	struct minivmx_control controls[MAX_CONTROLS];
	int i, nr = minivmx_controls(&full, controls, MAX_CONTROLS);

	ASSERT_GE(MAX_CONTROLS, nr);
	ASSERT_LT(90, nr);
	for (i = 0; i < nr; i++) {
		if (i) {
			EXPECT_TRUE(controls[i].word > controls[i - 1].word ||
				    (controls[i].word == controls[i - 1].word &&
				     controls[i].bit > controls[i - 1].bit))
				TH_LOG("%s", controls[i].name);
		}
		EXPECT_LT(0, strlen(controls[i].why));
		EXPECT_GE(38, strlen(controls[i].why))
			TH_LOG("%s", controls[i].why);
		EXPECT_NE(MINIVMX_USE_UNFIT, controls[i].use)
			TH_LOG("%s", controls[i].name);
	}
}

TEST(not_more_than_there_is_room_for)
{
	struct minivmx_control controls[2] = { 0 };

	EXPECT_LT(90, minivmx_controls(&full, controls, 1));
	EXPECT_STREQ("external-interrupt exiting", controls[0].name);
	EXPECT_EQ(NULL, controls[1].name);
}

/* Where a word's limits are: {word, name, bit, the MSR of it, the MSR without "TRUE"}. */
static const struct word {
	enum minivmx_word word;
	const char *name;
	unsigned int bit, msr, old_msr;
} table[] = {
	{ MINIVMX_WORD_PIN, "NMI exiting", 3, TRUE_PIN, PIN },
	{ MINIVMX_WORD_CPU, "HLT exiting", 7, TRUE_CPU, CPU },
	{ MINIVMX_WORD_CPU2, "enable EPT", 1, CPU2, CPU2 },
	{ MINIVMX_WORD_CPU3, "enable HLAT", 1, CPU3, CPU3 },
	{ MINIVMX_WORD_EXIT, "load PKRS", 29, TRUE_EXIT, EXIT },
	{ MINIVMX_WORD_EXIT2, "prematurely busy shadow stack", 3, EXIT2, EXIT2 },
	{ MINIVMX_WORD_ENTRY, "load IA32_EFER", 15, TRUE_ENTRY, ENTRY },
};

TEST(allowed_settings_are_those_of_the_words_msr)
{
	unsigned int i;

	ASSERT_EQ(MINIVMX_NR_WORDS, ARRAY_SIZE(table));
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		const struct word *w = &table[i];
		/* In these two all 64 bits are what may be 1. */
		bool wide = w->word == MINIVMX_WORD_CPU3 || w->word == MINIVMX_WORD_EXIT2;
		struct minivmx_caps caps = full;
		const struct minivmx_control *c = find(&caps, w->word, w->name);

		EXPECT_EQ(w->bit, c->bit);
		EXPECT_EQ(w->msr, minivmx_word_msr(&caps, w->word));
		EXPECT_EQ(1, c->allowed_0);
		EXPECT_EQ(1, c->allowed_1);
		caps.vmx_msrs[w->msr] &= ~BIT(w->bit + (wide ? 0 : 32));
		c = find(&caps, w->word, w->name);
		EXPECT_EQ(1, c->allowed_0);
		EXPECT_EQ(0, c->allowed_1)
			TH_LOG("%s", w->name);
		caps = full;
		caps.vmx_msrs[w->msr] |= BIT(w->bit);
		c = find(&caps, w->word, w->name);
		EXPECT_EQ(wide, c->allowed_0)
			TH_LOG("%s", w->name);
		EXPECT_EQ(1, c->allowed_1);

		/* A CPU without "TRUE" MSRs goes by the old ones. */
		caps = full;
		caps.vmx_msrs[BASIC] &= ~BIT(55);
		EXPECT_EQ(w->old_msr, minivmx_word_msr(&caps, w->word));
		caps.vmx_msrs[w->old_msr] &= ~BIT(w->bit + (wide ? 0 : 32));
		EXPECT_EQ(0, find(&caps, w->word, w->name)->allowed_1)
			TH_LOG("%s", w->name);
	}
}

#define FORBID(caps, msr, bit)	((caps).vmx_msrs[msr] &= ~BIT(32 + (bit)))
#define FORCE(caps, msr, bit)	((caps).vmx_msrs[msr] |= BIT(bit))

TEST(what_minivmx_does_with_a_control)
{
	struct minivmx_caps caps;

	/* Required. */
	EXPECT_EQ(MINIVMX_USE_SET, use(&full, MINIVMX_WORD_PIN, "NMI exiting"));
	caps = full;
	FORBID(caps, TRUE_PIN, 3);
	EXPECT_EQ(MINIVMX_USE_UNFIT, use(&caps, MINIVMX_WORD_PIN, "NMI exiting"));
	EXPECT_EQ(MINIVMX_USE_SET, use(&caps, MINIVMX_WORD_PIN, "virtual NMIs"));

	/* Optional. */
	EXPECT_EQ(MINIVMX_USE_SET, use(&full, MINIVMX_WORD_CPU2, "enable INVPCID"));
	caps = full;
	FORBID(caps, CPU2, 12);
	EXPECT_EQ(MINIVMX_USE_NONE, use(&caps, MINIVMX_WORD_CPU2, "enable INVPCID"));

	/* To be clear. */
	EXPECT_EQ(MINIVMX_USE_CLEAR, use(&full, MINIVMX_WORD_CPU, "CR3-load exiting"));
	caps = full;
	FORCE(caps, TRUE_CPU, 15);
	EXPECT_EQ(MINIVMX_USE_UNFIT, use(&caps, MINIVMX_WORD_CPU, "CR3-load exiting"));
	/* As it is by default. */
	caps = full;
	caps.vmx_msrs[BASIC] &= ~BIT(55);
	EXPECT_EQ(MINIVMX_USE_UNFIT, use(&caps, MINIVMX_WORD_CPU, "CR3-load exiting"));

	/* Both. */
	EXPECT_EQ(MINIVMX_USE_DYNAMIC, use(&full, MINIVMX_WORD_ENTRY, "IA-32e mode guest"));
	caps = full;
	FORCE(caps, TRUE_ENTRY, 9);
	EXPECT_EQ(MINIVMX_USE_UNFIT, use(&caps, MINIVMX_WORD_ENTRY, "IA-32e mode guest"));
	caps = full;
	FORBID(caps, TRUE_ENTRY, 9);
	EXPECT_EQ(MINIVMX_USE_UNFIT, use(&caps, MINIVMX_WORD_ENTRY, "IA-32e mode guest"));

	/* Not at all, whatever the CPU wants. */
	EXPECT_EQ(MINIVMX_USE_NONE, use(&full, MINIVMX_WORD_CPU2, "VMCS shadowing"));
	caps = full;
	FORCE(caps, CPU2, 14);
	EXPECT_EQ(MINIVMX_USE_NONE, use(&caps, MINIVMX_WORD_CPU2, "VMCS shadowing"));
}

/* Both of its controls are set or none, and only if there is the MSR. */
TEST(perf_global_goes_together)
{
	static const char name[] = "load IA32_PERF_GLOBAL_CTRL";
	struct minivmx_caps without[3] = { full, full, full };
	unsigned int i;

	EXPECT_EQ(MINIVMX_USE_SET, use(&full, MINIVMX_WORD_EXIT, name));
	EXPECT_EQ(MINIVMX_USE_SET, use(&full, MINIVMX_WORD_ENTRY, name));
	without[0].perf_global = 0;
	FORBID(without[1], TRUE_EXIT, 12);
	FORBID(without[2], TRUE_ENTRY, 13);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(MINIVMX_USE_NONE, use(&without[i], MINIVMX_WORD_EXIT, name));
		EXPECT_EQ(MINIVMX_USE_NONE, use(&without[i], MINIVMX_WORD_ENTRY, name));
	}
}

/* ---- MSRs ---- */

TEST(msrs_that_others_tell_of)
{
	/* Without those bits these MSRs are not there. */
	static const struct { unsigned int msr, bit, gone[4]; } rows[] = {
		{ BASIC, 55, { TRUE_PIN, TRUE_CPU, TRUE_EXIT, TRUE_ENTRY } },
		{ CPU, 63, { CPU2 } },
		{ CPU, 49, { CPU3 } },
		{ EXIT, 63, { EXIT2 } },
		{ CPU2, 45, { VMFUNC } },
	};
	unsigned int i, j, msr;

	for (msr = 0; msr < MINIVMX_NR_VMX_MSRS; msr++)
		EXPECT_EQ(1, minivmx_has_vmx_msr(&full, msr));
	EXPECT_EQ(0, minivmx_has_vmx_msr(&full, MINIVMX_NR_VMX_MSRS));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct minivmx_caps caps = full;

		caps.vmx_msrs[rows[i].msr] &= ~BIT(rows[i].bit);
		for (msr = 0; msr < MINIVMX_NR_VMX_MSRS; msr++) {
			int has = 1;

			for (j = 0; j < 4; j++)
				if (rows[i].gone[j] && rows[i].gone[j] == msr)
					has = 0;
			EXPECT_EQ(has, minivmx_has_vmx_msr(&caps, msr))
				TH_LOG("row %u: %s", i, minivmx_vmx_msr_name(msr));
		}
	}
}

TEST(ept_or_vpid_brings_the_msr_of_both)
{
	struct minivmx_caps caps = full;

	FORBID(caps, CPU2, 1);
	EXPECT_EQ(1, minivmx_has_vmx_msr(&caps, EPT_VPID));
	FORBID(caps, CPU2, 5);
	EXPECT_EQ(0, minivmx_has_vmx_msr(&caps, EPT_VPID));
	caps = full;
	FORBID(caps, CPU2, 5);
	EXPECT_EQ(1, minivmx_has_vmx_msr(&caps, EPT_VPID));
}

TEST(msr_names)
{
	EXPECT_STREQ("IA32_VMX_BASIC", minivmx_vmx_msr_name(BASIC));
	EXPECT_STREQ("IA32_VMX_EPT_VPID_CAP", minivmx_vmx_msr_name(EPT_VPID));
	EXPECT_STREQ("IA32_VMX_EXIT_CTLS2", minivmx_vmx_msr_name(EXIT2));
	EXPECT_EQ(NULL, minivmx_vmx_msr_name(MINIVMX_NR_VMX_MSRS));
}

/* Each field is read from its bits, and from no other. */
TEST(fields_do_not_overlap)
{
	uint64_t taken[MINIVMX_NR_VMX_MSRS] = { 0 };
	unsigned int i;

	for (i = 0; i < nr_caps_fields; i++) {
		const struct caps_field *f = &caps_fields[i];
		uint64_t mask = ~0ULL >> (63 - f->high) & ~0ULL << f->low;
		char *none = caps_field_text(f, ~mask), *all = caps_field_text(f, mask);
		char *zero = caps_field_text(f, 0), *ones = caps_field_text(f, ~0ULL);

		EXPECT_EQ(0, taken[f->msr] & mask)
			TH_LOG("%s", f->name);
		taken[f->msr] |= mask;
		EXPECT_STREQ(zero, none);
		EXPECT_STREQ(ones, all);
		EXPECT_STRNE(zero, all);
		free(none);
		free(all);
		free(zero);
		free(ones);
	}
}

static const struct {
	unsigned int msr;
	uint64_t value;
	const char *name, *text;
} decoded[] = {
	{ BASIC, 0x00da04000000002b, "VMCS revision identifier", "0x2b" },
	{ BASIC, 0x00da04000000002b, "size of a VMCS region in bytes", "1024" },
	{ BASIC, 0x00da04000000002b, "memory type of VMX structures", "write-back" },
	{ BASIC, 0x0000100000000001, "memory type of VMX structures", "uncacheable" },
	{ BASIC, 0x0010100000000001, "memory type of VMX structures", "4" },
	{ BASIC, 0x0080000000000000, "TRUE control MSRs", "yes" },
	{ MISC, 0x7004c1e7, "the preemption timer is the TSC shifted right by", "7" },
	{ MISC, 0x7004c1e7, "CR3-target values", "4" },
	{ MISC, 0x7004c1e7, "MSRs in an MSR area, recommended at most", "512" },
	{ MISC, 0x7e04c1e7, "MSRs in an MSR area, recommended at most", "4096" },
	{ MISC, 0x0123456700000000, "MSEG revision identifier", "0x1234567" },
	{ CR0_FIXED0, 0x80000021, "must be 1", "PE NE PG" },
	{ CR0_FIXED1, 0x00000000, "may be 1", "" },
	{ CR4_FIXED0, 0x2000, "must be 1", "VMXE" },
	{ CR4_FIXED1, 0x100002001, "may be 1", "VME VMXE FRED" },
	{ VMCS_ENUM, 0x2e, "highest index of a VMCS field", "23" },
	{ EPT_VPID, 0x21, "execute-only EPT translations", "yes" },
	{ EPT_VPID, 0x3f000000000000, "maximum HLAT prefix size", "63" },
	{ VMFUNC, 2, "EPTP switching", "no" },
};

TEST(fields_are_decoded)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(decoded); i++) {
		char *text = NULL;

		for (j = 0; j < nr_caps_fields; j++)
			if (caps_fields[j].msr == decoded[i].msr &&
			    !strcmp(caps_fields[j].name, decoded[i].name))
				text = caps_field_text(&caps_fields[j], decoded[i].value);
		ASSERT_NE(NULL, text)
			TH_LOG("%s", decoded[i].name);
		EXPECT_STREQ(decoded[i].text, text)
			TH_LOG("%s", decoded[i].name);
		free(text);
	}
}

/* ---- The command ---- */

/* main.c's. */
int usage_error(const char *command)
{
	return STATUS_USAGE;
}

/* Run it with those arguments; what it printed, to be given back with free(). */
static char *caps(int *status, char *first, char *second, char *third)
{
	char name[] = "minivmx caps", *argv[] = { name, first, second, third, NULL };
	int argc = 1 + !!first + !!second + !!third, fd = memfd_create("output", 0);
	off_t size;
	pid_t pid;
	char *text;

	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (!pid) {
		dup2(fd, 1);
		dup2(fd, 2);
		exit(cmd_caps(argc, argv));
	}
	waitpid(pid, status, 0);
	*status = WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
	size = lseek(fd, 0, SEEK_END);
	text = calloc(1, size + 1);
	if (pread(fd, text, size, 0) != size)
		abort();
	close(fd);
	return text;
}

TEST(text_has_it_all_in_100_columns)
{
	struct minivmx_control controls[MAX_CONTROLS];
	int i, nr, status;
	char *text, *line;

	fake_caps = full;
	text = caps(&status, NULL, NULL, NULL);
	EXPECT_EQ(STATUS_OK, status);
	nr = minivmx_controls(&full, controls, MAX_CONTROLS);
	for (i = 0; i < nr; i++)
		EXPECT_NE(NULL, strstr(text, controls[i].name))
			TH_LOG("%s", controls[i].name);
	for (i = 0; i < (int)nr_caps_fields; i++)
		EXPECT_NE(NULL, strstr(text, caps_fields[i].name))
			TH_LOG("%s", caps_fields[i].name);
	for (i = 0; i < MINIVMX_NR_VMX_MSRS; i++)
		EXPECT_NE(NULL, strstr(text, minivmx_vmx_msr_name(i)));
	EXPECT_NE(NULL, strstr(text, "\n  3  0 1     set      NMI exiting   "));
	EXPECT_EQ(NULL, strstr(text, "unfit"));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		EXPECT_GE(100, strlen(line))
			TH_LOG("%s", line);
	free(text);
}

TEST(text_names_what_is_unfit)
{
	char *text;
	int status;

	fake_caps = full;
	FORBID(fake_caps, CPU2, 1);
	fake_caps.vmx_msrs[CPU] &= ~BIT(49);
	text = caps(&status, NULL, NULL, NULL);
	EXPECT_EQ(STATUS_OK, status);
	EXPECT_NE(NULL, strstr(text, "\n  1  0 -     unfit    enable EPT "));
	EXPECT_NE(NULL, strstr(text, "IA32_VMX_PROCBASED_CTLS3 (0x492)  not on this CPU\n"));
	EXPECT_NE(NULL, strstr(text, "minivmx does not load on this CPU: 1 unfit.\n"));
	free(text);
}

/* The member of an object of objects, by their names. */
static struct json_object *get(struct json_object *object, const char *first, const char *second)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, first, &value))
		return NULL;
	if (second && !json_object_object_get_ex(value, second, &value))
		return NULL;
	return value;
}

TEST(json_is_the_same)
{
	struct json_object *root, *controls, *msrs, *cpu_msrs;
	struct minivmx_control expected[MAX_CONTROLS];
	int i, nr = minivmx_controls(&full, expected, MAX_CONTROLS), status;
	char option[] = "--json", key[8], *text;

	fake_caps = full;
	text = caps(&status, option, NULL, NULL);
	EXPECT_EQ(STATUS_OK, status);
	root = json_tokener_parse(text);
	ASSERT_NE(NULL, root);

	EXPECT_EQ(39, json_object_get_int(get(root, "cpu", "physical_address_bits")));
	EXPECT_EQ(57, json_object_get_int(get(root, "cpu", "linear_address_bits")));
	EXPECT_TRUE(json_object_get_boolean(get(root, "cpu", "rtm")));
	EXPECT_FALSE(json_object_get_boolean(get(root, "cpu", "sgx")));
	EXPECT_TRUE(json_object_get_boolean(get(root, "cpu", "perf_global")));
	cpu_msrs = get(root, "cpu", "vmx_msrs");
	msrs = get(root, "msrs", NULL);
	ASSERT_EQ(MINIVMX_NR_VMX_MSRS, json_object_array_length(msrs));
	for (i = 0; i < MINIVMX_NR_VMX_MSRS; i++) {
		struct json_object *msr = json_object_array_get_idx(msrs, i);

		snprintf(key, sizeof(key), "%#x", 0x480 + i);
		EXPECT_STREQ(key, json_object_get_string(get(msr, "msr", NULL)));
		EXPECT_STREQ(minivmx_vmx_msr_name(i), json_object_get_string(get(msr, "name", NULL)));
		EXPECT_EQ(full.vmx_msrs[i],
			  strtoull(json_object_get_string(get(msr, "value", NULL)), NULL, 16));
		EXPECT_EQ(full.vmx_msrs[i],
			  strtoull(json_object_get_string(get(cpu_msrs, key, NULL)), NULL, 16));
	}
	controls = get(root, "controls", NULL);
	ASSERT_EQ(nr, json_object_array_length(controls));
	for (i = 0; i < nr; i++) {
		static const char *const uses[] = { "none", "set", "clear", "dynamic", "unfit" };
		struct json_object *c = json_object_array_get_idx(controls, i);

		EXPECT_EQ(expected[i].bit, json_object_get_int(get(c, "bit", NULL)));
		EXPECT_STREQ(expected[i].name, json_object_get_string(get(c, "name", NULL)));
		EXPECT_STREQ(expected[i].why, json_object_get_string(get(c, "why", NULL)));
		EXPECT_STREQ(uses[expected[i].use], json_object_get_string(get(c, "use", NULL)));
		EXPECT_EQ(expected[i].allowed_0, json_object_get_boolean(get(c, "allowed_0", NULL)));
		EXPECT_EQ(expected[i].allowed_1, json_object_get_boolean(get(c, "allowed_1", NULL)));
	}
	json_object_put(root);
	free(text);
}

TEST(a_file_says_the_same_as_the_cpu)
{
	char json[] = "--json", file[] = "--file", path[64], *text, *again;
	int status, fd = memfd_create("caps", 0);

	fake_caps = full;
	text = caps(&status, json, NULL, NULL);
	ASSERT_EQ(strlen(text), write(fd, text, strlen(text)));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	/* Of which it knows nothing now. */
	memset(&fake_caps, 0, sizeof(fake_caps));
	fake_caps_error = -EIO;
	again = caps(&status, json, file, path);
	EXPECT_EQ(STATUS_OK, status);
	EXPECT_STREQ(text, again);
	free(text);
	free(again);
	close(fd);
}

TEST(a_module_that_does_not_know_it)
{
	char *text;
	int status;

	fake_caps_error = -ENOTTY;
	text = caps(&status, NULL, NULL, NULL);
	EXPECT_EQ(STATUS_HOST, status);
	EXPECT_STREQ("minivmx: MINIVMX_GET_CAPS: Inappropriate ioctl for device\n", text);
	free(text);
}

TEST_HARNESS_MAIN
