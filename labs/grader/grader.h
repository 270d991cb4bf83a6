/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the graders have in common. A grader is a table of items; each runs in a process
 * of its own, in which the student's code may crash, exit, hang and print what it likes:
 * the points come from another one, by a pipe that the code does not know of.
 */
#ifndef LABS_GRADER_H
#define LABS_GRADER_H

#include <stdbool.h>
#include <stdint.h>

#include "fields.h"
#include "vm.h"

/**
 * struct item - something that is worth points
 * @name: a word, by which labs/check finds it
 * @what: a line for the student
 * @points: all of them, or none
 * @slow: left out with --fast
 * @seconds: it may take, of the machine's clock; 0: the usual
 * @grade: returns if it is as it should be, else it calls lose()
 */
struct item {
	const char *name;
	const char *what;
	unsigned int points;
	bool slow;
	unsigned int seconds;
	void (*grade)(void);
};

/* Of each grader: its number, and its items, which end with one without a name. */
extern const int lab;
extern const struct item items[];

/* The item is lost, for this reason: what was seen, what was due, what may be wrong. */
__attribute__((noreturn, format(printf, 1, 2)))
void lose(const char *format, ...);

#define need(condition, ...)						\
do {									\
	if (!(condition))						\
		lose(__VA_ARGS__);					\
} while (0)

/* For what is not the student's to do. */
#define must(condition) need(condition, "the grader itself failed: %s", #condition)

/* Random numbers, others in each run; --seed repeats them. */
uint64_t pick(void);
/* From @from to @to. */
uint64_t pick_from(uint64_t from, uint64_t to);

/* ---- machine.c: the student's VM, and what the kernel says of it ---- */

#define TEXT	1024

/* Real mode code for @gpa, in a new VM with one vCPU that will start there. */
void new_real(struct vm *vm, struct vcpu *vcpu, size_t size, uint16_t gpa,
	      const char *code, const char *code_end);
void end_vm(struct vm *vm, struct vcpu *vcpu);

/* An exit in words, for reasons: what vcpu_run() returned, and what the page says. */
const char *exit_text(struct vcpu *vcpu, int ret);
/* Name of a kind of exit. */
const char *kind_text(int kind);
/* An errno in words, of a function that returns 0 or a negative one. */
const char *errno_text(int ret);

/* Run, and lose unless the exit has that kind. */
void expect_exit(struct vcpu *vcpu, int kind, const char *where);
/* Likewise, with the instruction of the last exit done. */
void expect_exit_behind(struct vcpu *vcpu, int kind, const char *where);

/* How often the vCPU has had exits of a basic reason: the kernel's word, not the program's. */
uint64_t exits_counted(struct vcpu *vcpu, unsigned int reason);
/* Those of them that returned from RUN. */
uint64_t exits_to_user(struct vcpu *vcpu, unsigned int reason);

/* Descriptors that are open and mappings there are in this process. */
unsigned int open_descriptors(void);
unsigned int mappings(void);

/* Guest code: GUESTn(name, "assembly") is found at name to name_end. */
#define GUEST(bits, name, text)						\
	extern const char name[], name##_end[];				\
	asm(".pushsection .rodata\n.code" #bits "\n" #name ":\n" text	\
	    "\n" #name "_end:\n.code64\n.popsection")
#define GUEST16(name, text)	GUEST(16, name, text)
#define GUEST32(name, text)	GUEST(32, name, text)
#define GUEST64(name, text)	GUEST(64, name, text)

#endif /* LABS_GRADER_H */
