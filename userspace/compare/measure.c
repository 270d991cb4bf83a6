// SPDX-License-Identifier: GPL-2.0
/* All operations on all sides, in turn. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compare.h"
#include "json_file.h"
#include "operation.h"

/**
 * struct side - a way to run guests
 * @name: as reports have it
 * @backend: that does it
 * @borrows: a VM of KVM's is there meanwhile, so that VMX is KVM's
 * @missing: why it cannot be measured, or empty
 */
struct side {
	const char *name;
	const struct backend *backend;
	bool borrows;
	struct message missing;
};

#define SIDES	{ { "minivmx", &backend_minivmx, false, { "" } },	\
		  { "kvm", &backend_kvm, false, { "" } },		\
		  { "borrowed", &backend_minivmx, true, { "" } } }
#define NR_SIDES	3

/* ---- KVM, loaded or not ---- */

#define KVM_LOADED	"/sys/module/kvm_intel"

static bool kvm_is_loaded(void)
{
	return !access(KVM_LOADED, F_OK);
}

static int load_kvm(const struct compare_setup *setup, struct message *message)
{
	long ret;
	int fd;

	if (setup->kvm_module) {
		fd = open(setup->kvm_module, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return fail(message, "%s: %m", setup->kvm_module);
		ret = syscall(SYS_finit_module, fd, "", 0);
		close(fd);
	} else {
		ret = system("modprobe kvm_intel");
	}
	return ret ? fail(message, "cannot load kvm_intel") : 0;
}

/* Have it loaded, or not, if that is for us to say. */
static int want_kvm(const struct compare_setup *setup, bool want, struct message *message)
{
	if (!setup->owns || kvm_is_loaded() == want)
		return 0;
	if (want)
		return load_kvm(setup, message);
	if (syscall(SYS_delete_module, "kvm_intel", O_NONBLOCK))
		return fail(message, "cannot unload kvm_intel: %m");
	return 0;
}

/* ---- A side ---- */

static int side_enter(const struct side *side, const struct compare_setup *setup,
		      struct vm *owner, struct message *message)
{
	struct minivmx_error error;

	*owner = (struct vm) { .backend = &backend_kvm, .device = -1, .fd = -1 };
	if (want_kvm(setup, side->backend != &backend_minivmx || side->borrows, message))
		return -1;
	if (side->borrows && backend_kvm.open(owner, &error))
		return fail(message, "%s", error.text);
	return 0;
}

static void side_leave(const struct side *side, struct vm *owner)
{
	if (side->borrows)
		backend_kvm.close(owner);
}

/* Can it run a guest, and is it what it says? */
static void side_try(struct side *side, const struct compare_setup *setup)
{
	struct vm owner, vm = { .backend = side->backend };
	struct minivmx_error error;

	if (side_enter(side, setup, &owner, &side->missing))
		return;
	if (side->backend->open(&vm, &error)) {
		fail(&side->missing, "%s%s%s", error.text, error.hint[0] ? ": " : "", error.hint);
	} else {
		if (vm.borrows && !side->borrows)
			fail(&side->missing, "VMX is KVM's: --own unloads it meanwhile");
		side->backend->close(&vm);
	}
	side_leave(side, &owner);
}

/* ---- The report ---- */

static void add_result(struct json_object *row, const char *side, struct samples *samples)
{
	struct json_object *result = json_object_new_object();

	json_object_object_add(result, "median", json_object_new_double(samples_median(samples)));
	json_object_object_add(result, "spread", json_object_new_double(samples_spread(samples)));
	json_add_number(result, "samples", samples->nr);
	if (samples->outside)
		json_object_object_add(result, "outside", json_object_new_double(
			(double)samples->outside / (double)samples->outside_nr));
	json_object_object_add(row, side, result);
}

static bool is_wanted(const struct operation *op, const char *const *names)
{
	if (!names)
		return op->min_cpus <= (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	for (; *names; names++)
		if (!strcmp(*names, op->name))
			return true;
	return false;
}

/* ---- Measuring ---- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

/*
 * What is unloaded is to be loaded again: end between two measurements. The second signal
 * ends it at once, should one of them have no end.
 */
static void catch_signals(void)
{
	const struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = SA_RESTART | SA_RESETHAND,
	};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int measure_side(const struct side *side, const struct compare_setup *setup,
			struct samples (*samples)[NR_SIDES], unsigned int index,
			struct message *message)
{
	struct message why;
	struct vm owner;
	int ret = side_enter(side, setup, &owner, message);
	size_t i;

	for (i = 0; !ret && i < nr_operations; i++) {
		const struct operation *op = &operations[i];

		if (!is_wanted(op, setup->names))
			continue;
		if (interrupted)
			ret = fail(message, "%s", strsignal(interrupted));
		else if (op->measure(op, side->backend, &samples[i][index], &why))
			ret = fail(message, "%s on %s: %s", op->name, side->name, why.text);
	}
	side_leave(side, &owner);
	return ret;
}

static int measure(struct side *sides, const struct compare_setup *setup,
		   struct samples (*samples)[NR_SIDES], struct message *message)
{
	const bool progress = isatty(STDERR_FILENO);
	unsigned int round, i;
	int ret = 0;

	for (round = 0; !ret && round < setup->rounds; round++) {
		for (i = 0; !ret && i < NR_SIDES; i++) {
			if (sides[i].missing.text[0])
				continue;
			if (progress)
				fprintf(stderr, "\rround %u of %u: %-10s", round + 1, setup->rounds,
					sides[i].name);
			ret = measure_side(&sides[i], setup, samples, i, message);
		}
	}
	if (progress)
		fprintf(stderr, "\r%-40s\r", "");
	return ret;
}

static struct json_object *report_rows(const struct compare_setup *setup,
				       struct samples (*samples)[NR_SIDES], const struct side *sides)
{
	struct json_object *rows = json_object_new_array();
	unsigned int side;
	size_t i;

	for (i = 0; i < nr_operations; i++) {
		struct json_object *row;

		if (!is_wanted(&operations[i], setup->names))
			continue;
		row = json_object_new_object();
		json_object_array_add(rows, row);
		json_add_string(row, "name", operations[i].name);
		json_add_string(row, "unit", operations[i].unit);
		json_add_string(row, "what", operations[i].what);
		for (side = 0; side < NR_SIDES; side++)
			if (samples[i][side].nr)
				add_result(row, sides[side].name, &samples[i][side]);
	}
	return rows;
}

static struct json_object *report(const struct compare_setup *setup,
				  struct samples (*samples)[NR_SIDES], const struct side *sides)
{
	struct json_object *all = json_object_new_object(), *missing = json_object_new_object();
	unsigned int i;

	for (i = 0; i < NR_SIDES; i++)
		if (sides[i].missing.text[0])
			json_add_string(missing, sides[i].name, sides[i].missing.text);
	json_object_object_add(all, "conditions", compare_conditions());
	json_object_object_add(all, "missing", missing);
	json_object_object_add(all, "operations", report_rows(setup, samples, sides));
	return all;
}

static struct json_object *measure_and_report(struct side *sides,
					      const struct compare_setup *setup,
					      struct message *message)
{
	struct samples (*samples)[NR_SIDES] = calloc(nr_operations, sizeof(*samples));
	struct json_object *result = NULL;
	unsigned int side;
	size_t i;

	if (!samples) {
		fail(message, "no memory for measurements");
		return NULL;
	}
	if (!measure(sides, setup, samples, message))
		result = report(setup, samples, sides);
	for (i = 0; i < nr_operations; i++)
		for (side = 0; side < NR_SIDES; side++)
			samples_free(&samples[i][side]);
	free(samples);
	return result;
}

struct json_object *compare_measure(const struct compare_setup *setup, struct message *message)
{
	struct side sides[NR_SIDES] = SIDES;
	struct json_object *result = NULL;
	const bool was_loaded = kvm_is_loaded();
	struct message why;
	unsigned int i, nr = 0;

	catch_signals();
	for (i = 0; i < NR_SIDES; i++) {
		side_try(&sides[i], setup);
		nr += !sides[i].missing.text[0];
	}
	operation_stay_on(0);
	if (nr)
		result = measure_and_report(sides, setup, message);
	else
		fail(message, "%s; %s", sides[0].missing.text, sides[1].missing.text);
	if (want_kvm(setup, was_loaded, &why))
		fprintf(stderr, "minivmx: %s\n", why.text);
	return result;
}

static const struct operation *find(const char *name)
{
	size_t i;

	for (i = 0; i < nr_operations; i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	return NULL;
}

bool compare_knows(const char *name)
{
	return find(name);
}

bool compare_has_crowd(const char *name)
{
	const struct operation *op = find(name);

	return op && (op->crowd.vms || op->crowd.vcpus || op->crowd.ranges);
}

void compare_list(FILE *file)
{
	size_t i;

	for (i = 0; i < nr_operations; i++)
		fprintf(file, "  %-18s %s%s\n", operations[i].name, operations[i].what,
			operations[i].min_cpus > 1 ? " (2 CPUs)" : "");
}
