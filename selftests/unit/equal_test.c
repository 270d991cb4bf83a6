/* SOURCES: RUNNER */
// SPDX-License-Identifier: GPL-2.0
/*
 * minivmx equal: programs depend on seed and number alone, and are well-formed; what differs
 * between two outcomes is found, and what the manual leaves open is not.
 */
#include <string.h>

#include "kselftest_harness.h"
#include "known.h"
#include "outcome.h"

#define PROGRAMS	200
#define STEP		3	/* of those that are tampered with */

FIXTURE(equal)
{
	struct equal_program *program;
	struct equal_outcome *a, *b;
	struct equal_differences differences;
};

/* Two outcomes of a program, which are the same. */
FIXTURE_SETUP(equal)
{
	unsigned int i;

	self->program = calloc(1, sizeof(*self->program));
	self->a = calloc(1, sizeof(*self->a));
	self->b = calloc(1, sizeof(*self->b));
	ASSERT_TRUE(self->program && self->a && self->b);
	equal_program_make(self->program, 1, 0, self->a->memory);
	for (i = 0; i < self->program->nr_steps; i++)
		self->program->modes[i] = EQUAL_PROTECTED;
	self->a->nr_states = self->program->nr_steps + 1;
	for (i = 0; i < self->a->nr_states; i++)
		memset(&self->a->states[i], i + 1, sizeof(self->a->states[i]));
	strcpy(self->a->end.text, "to its end");
	*self->b = *self->a;
}

FIXTURE_TEARDOWN(equal)
{
	free(self->program);
	free(self->a);
	free(self->b);
}

static const struct equal_differences *differ(FIXTURE_DATA(equal) *self)
{
	equal_differ(self->program, self->a, self->b, &self->differences);
	return &self->differences;
}

#define EXPECT_SAME()	EXPECT_EQ(0, differ(self)->nr)
#define EXPECT_ONE(where, what)						\
do {									\
	ASSERT_EQ(1, differ(self)->nr);					\
	EXPECT_EQ(where, self->differences.step);			\
	EXPECT_STREQ(what, self->differences.list[0].name);		\
} while (0)

/* ---- What differs ---- */

TEST_F(equal, the_same_is_the_same)
{
	EXPECT_SAME();
}

TEST_F(equal, any_bit_of_a_register)
{
	self->b->states[STEP].regs.rcx ^= 1 << 20;
	EXPECT_ONE(STEP, "rcx");
	EXPECT_EQ((uint32_t)self->a->states[STEP].regs.rcx, self->differences.list[0].values[0]);
	EXPECT_EQ((uint32_t)self->b->states[STEP].regs.rcx, self->differences.list[0].values[1]);
}

TEST_F(equal, each_kind_of_state)
{
	struct equal_state was = self->b->states[STEP], *state = &self->b->states[STEP];

#define CHANGED(member, name)						\
do {									\
	state->member ^= 1;						\
	EXPECT_ONE(STEP, name);						\
	*state = was;							\
} while (0)
	CHANGED(regs.rip, "rip");
	CHANGED(regs.rflags, "rflags");
	CHANGED(sregs.cr0, "cr0");
	CHANGED(sregs.cr2, "cr2");
	CHANGED(sregs.cr4, "cr4");
	CHANGED(sregs.efer, "efer");
	CHANGED(sregs.xcr0, "xcr0");
	CHANGED(sregs.dr6, "dr6");
	CHANGED(sregs.gdtr.limit, "gdtr.limit");
	CHANGED(sregs.idtr.base, "idtr.base");
	CHANGED(fault.error, "fault.error");
	CHANGED(fault.cr2, "fault.cr2");
	CHANGED(accesses, "ports and MMIO");
#undef CHANGED
	EXPECT_SAME();
}

TEST_F(equal, the_first_step_is_told)
{
	self->b->states[STEP + 2].regs.rax++;
	self->b->states[STEP].regs.rdx++;
	EXPECT_ONE(STEP, "rdx");
}

TEST_F(equal, segments)
{
	struct minivmx_segment *a = &self->a->states[STEP].sregs.fs;
	struct minivmx_segment *b = &self->b->states[STEP].sregs.fs;

	a->access = b->access = 0xc093;
	b->limit ^= 1;
	EXPECT_ONE(STEP, "fs.limit");
	b->limit = a->limit;
	b->access ^= 2;
	EXPECT_ONE(STEP, "fs.access");
	/* Of an unusable one only the selector counts. */
	a->access = 0x10000;
	b->access = 0x10093;
	b->base ^= 4096;
	EXPECT_SAME();
	b->selector ^= 8;
	EXPECT_ONE(STEP, "fs");
	b->selector = a->selector;
	b->access = 0x93;
	EXPECT_ONE(STEP, "fs.unusable");
}

TEST_F(equal, the_end)
{
	strcpy(self->b->end.text, "SHUTDOWN");
	EXPECT_ONE(self->a->nr_states, "how it ends");
	strcpy(self->b->end.text, self->a->end.text);
	self->b->msrs[2]++;
	EXPECT_EQ(1, differ(self)->nr);
	self->b->msrs[2]--;
	self->b->nr_states--;
	EXPECT_ONE(self->b->nr_states, "steps that came to an end");
}

TEST_F(equal, memory)
{
	self->b->memory[EQUAL_DATA + 0x123] ^= 0x80;
	EXPECT_ONE(self->a->nr_states, "memory at 0xc120");
}

TEST_F(equal, more_than_there_is_room_for_is_counted)
{
	memset(self->b->memory + EQUAL_DATA, 0x5a, 8 * 100);
	EXPECT_LT(EQUAL_MAX_DIFFERENCES, differ(self)->nr);
}

/* ---- What the manual leaves open ---- */

TEST_F(equal, upper_halves_only_in_64_bit_mode)
{
	self->b->states[STEP].regs.rsi ^= 1ULL << 40;
	self->b->states[STEP].regs.r9++;
	EXPECT_SAME();
	self->program->modes[STEP] = EQUAL_LONG;
	EXPECT_EQ(2, differ(self)->nr);
}

TEST_F(equal, accessed_and_dirty_of_page_tables)
{
	self->b->memory[EQUAL_PT] ^= 0x60;
	EXPECT_SAME();
	self->b->memory[EQUAL_PT] ^= 2;
	EXPECT_ONE(self->a->nr_states, "memory at 0x16000");
}

/* ---- Programs ---- */

TEST_F(equal, a_program_depends_on_seed_and_number)
{
	equal_program_make(self->program, 1, 0, self->b->memory);
	EXPECT_EQ(0, memcmp(self->a->memory, self->b->memory, EQUAL_SIZE));
	equal_program_make(self->program, 1, 1, self->b->memory);
	EXPECT_NE(0, memcmp(self->a->memory + EQUAL_CODE, self->b->memory + EQUAL_CODE, 256));
	equal_program_make(self->program, 2, 0, self->b->memory);
	EXPECT_NE(0, memcmp(self->a->memory + EQUAL_CODE, self->b->memory + EQUAL_CODE, 256));
}

static bool has(const struct equal_step *table, const struct equal_step *step)
{
	for (; table->name; table++)
		if (table == step)
			return true;
	return false;
}

TEST_F(equal, programs_fit_and_have_steps_of_all_tables)
{
	static const struct equal_step *const tables[] = {
		equal_steps_plain, equal_steps_faults, equal_steps_segments,
		equal_steps_system, equal_steps_devices,
	};
	unsigned int i, step, table, seen = 0, modes = 0;

	for (i = 0; i < PROGRAMS; i++) {
		equal_program_make(self->program, 7, i, self->a->memory);
		ASSERT_LE(self->program->nr_steps, EQUAL_MAX_STEPS);
		ASSERT_LT(self->program->code.nr, EQUAL_CODE_SIZE);
		for (step = 0; step < self->program->nr_steps; step++) {
			ASSERT_NE(0, self->program->steps[step]->modes &
				     1U << self->program->modes[step]);
			modes |= 1U << self->program->modes[step];
			for (table = 0; table < ARRAY_SIZE(tables); table++)
				seen |= (unsigned int)has(tables[table],
							  self->program->steps[step]) << table;
		}
	}
	EXPECT_EQ(IN_ALL, modes);
	EXPECT_EQ((1U << ARRAY_SIZE(tables)) - 1, seen);
}

TEST_F(equal, what_is_known_to_differ_has_a_reason)
{
	unsigned int i;

	ASSERT_LT(0, equal_nr_known);
	for (i = 0; i < equal_nr_known; i++) {
		EXPECT_NE(0, equal_known[i].step.name[0]);
		EXPECT_LT(10, strlen(equal_known[i].why));
		equal_program_make_one(self->program, &equal_known[i].step, equal_known[i].code,
				       equal_known[i].size, self->a->memory);
		EXPECT_EQ(1, self->program->nr_steps);
	}
}

TEST_HARNESS_MAIN
