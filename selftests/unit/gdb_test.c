// SPDX-License-Identifier: GPL-2.0
/*
 * SOURCES: userspace/runner/gdb.c userspace/runner/gdb_points.c userspace/runner/gdb_regs.c userspace/runner/guest_walk.c userspace/runner/memory.c
 */
/*
 * gdb's remote protocol with a target that is made up; walks through page tables, and
 * breakpoints, in memory that no guest has.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "kselftest_harness.h"

#include "../../userspace/runner/gdb.h"
#include "../../userspace/runner/gdb_points.h"
#include "../../userspace/runner/guest_walk.h"

/* ---- A target: 256 bytes of memory at ORIGIN ---- */

#define ORIGIN	0x1000

static struct {
	struct gdb_cpu cpu;
	uint8_t memory[256];
	struct gdb_point point;
	unsigned int inserted, removed;
	int result;		/* of all that may fail */
	char sent[2 * GDB_REPLY_MAX];
	size_t nr_sent;
} target;

static int get_cpu(void *context, struct gdb_cpu *cpu)
{
	*cpu = target.cpu;
	return target.result;
}

static int set_cpu(void *context, const struct gdb_cpu *cpu)
{
	if (!target.result)
		target.cpu = *cpu;
	return target.result;
}

static size_t there_is(uint64_t address, size_t size)
{
	const uint64_t offset = address - ORIGIN;

	if (offset >= sizeof(target.memory))
		return 0;
	return size < sizeof(target.memory) - offset ? size : sizeof(target.memory) - offset;
}

static size_t read_memory(void *context, uint64_t address, uint8_t *bytes, size_t size)
{
	size = there_is(address, size);
	memcpy(bytes, target.memory + (address - ORIGIN), size);
	return size;
}

static size_t write_memory(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	size = there_is(address, size);
	memcpy(target.memory + (address - ORIGIN), bytes, size);
	return size;
}

static int insert(void *context, const struct gdb_point *point)
{
	target.point = *point;
	target.inserted++;
	return target.result;
}

static int remove_point(void *context, const struct gdb_point *point)
{
	target.point = *point;
	target.removed++;
	return target.result;
}

static void send_bytes(void *connection, const char *bytes, size_t size)
{
	if (target.nr_sent + size >= sizeof(target.sent))
		abort();
	memcpy(target.sent + target.nr_sent, bytes, size);
	target.nr_sent += size;
	target.sent[target.nr_sent] = '\0';
}

static const struct gdb_ops ops = {
	.get_cpu = get_cpu, .set_cpu = set_cpu, .read = read_memory, .write = write_memory,
	.insert = insert, .remove = remove_point,
};

FIXTURE(gdb)
{
	struct gdb gdb;
};

FIXTURE_SETUP(gdb)
{
	memset(&target, 0, sizeof(target));
	gdb_connect(&self->gdb, &ops, NULL, GDB_X86_64, send_bytes, NULL);
}

FIXTURE_TEARDOWN(gdb)
{
}

static enum gdb_action feed(struct gdb *gdb, const char *bytes, size_t size)
{
	enum gdb_action action = GDB_NOTHING;
	size_t i;

	target.nr_sent = 0;
	target.sent[0] = '\0';
	for (i = 0; i < size; i++)
		action = gdb_byte(gdb, (uint8_t)bytes[i]);
	return action;
}

static enum gdb_action raw(struct gdb *gdb, const char *text)
{
	return feed(gdb, text, strlen(text));
}

/* A packet with its checksum; what came back is in target.sent. */
static enum gdb_action packet(struct gdb *gdb, const char *data, size_t size)
{
	static char text[2 * GDB_PACKET_MAX];
	uint8_t sum = 0;
	size_t i;

	for (i = 0; i < size; i++)
		sum += (uint8_t)data[i];
	text[0] = '$';
	memcpy(text + 1, data, size);
	sprintf(text + 1 + size, "#%02x", sum);
	return feed(gdb, text, size + 4);
}

/* The same of a string; the reply without its framing. */
static const char *ask(struct gdb *gdb, const char *data)
{
	static char reply[GDB_REPLY_MAX + 1];
	const char *start, *end;
	uint8_t sum = 0;
	char digits[3];

	packet(gdb, data, strlen(data));
	start = strchr(target.sent, '$');
	end = strrchr(target.sent, '#');
	if (!start || !end || end[3] || end - start > GDB_REPLY_MAX + 1)
		return "no reply";
	memcpy(reply, start + 1, (size_t)(end - start - 1));
	reply[end - start - 1] = '\0';
	while (++start < end)
		sum += (uint8_t)*start;
	sprintf(digits, "%02x", sum);
	return strcmp(digits, end + 1) ? "bad checksum" : reply;
}

/* ---- Framing ---- */

TEST_F(gdb, checksum)
{
	struct gdb *gdb = &self->gdb;

	raw(gdb, "$qC#b4");
	EXPECT_STREQ("+$QC1#c5", target.sent);
	raw(gdb, "$qC#B4");
	EXPECT_STREQ("+$QC1#c5", target.sent);
	raw(gdb, "$qC#b5");
	EXPECT_STREQ("-", target.sent);
	raw(gdb, "$qC#x4");
	EXPECT_STREQ("-", target.sent);
	raw(gdb, "$qC#bx");
	EXPECT_STREQ("-", target.sent);
}

TEST_F(gdb, retransmission)
{
	struct gdb *gdb = &self->gdb;

	raw(gdb, "-");
	EXPECT_STREQ("", target.sent);
	ask(gdb, "qC");
	raw(gdb, "+");
	EXPECT_STREQ("", target.sent);
	raw(gdb, "-");
	EXPECT_STREQ("$QC1#c5", target.sent);
}

TEST_F(gdb, no_acknowledgements)
{
	struct gdb *gdb = &self->gdb;

	/* The packet that asks for it is acknowledged for the last time. */
	packet(gdb, "QStartNoAckMode", 15);
	EXPECT_STREQ("+$OK#9a", target.sent);
	raw(gdb, "$qC#b4");
	EXPECT_STREQ("$QC1#c5", target.sent);
	raw(gdb, "-");
	EXPECT_STREQ("", target.sent);
	raw(gdb, "$qC#00");
	EXPECT_STREQ("", target.sent);
}

TEST_F(gdb, split_packets_and_rubbish)
{
	struct gdb *gdb = &self->gdb;

	raw(gdb, "abc#12\n+");
	EXPECT_STREQ("", target.sent);
	raw(gdb, "$q");
	raw(gdb, "C");
	raw(gdb, "#b");
	EXPECT_STREQ("", target.sent);
	raw(gdb, "4");
	EXPECT_STREQ("+$QC1#c5", target.sent);
	/* A packet that is cut off by the next. */
	raw(gdb, "$m1000,4$qC#b4");
	EXPECT_STREQ("+$QC1#c5", target.sent);
	/* An empty one, and one that nobody knows. */
	EXPECT_STREQ("", ask(gdb, ""));
	EXPECT_STREQ("", ask(gdb, "vMustReplyEmpty"));
	EXPECT_STREQ("", ask(gdb, "!"));
}

TEST_F(gdb, oversized_packets)
{
	static char data[2 * GDB_PACKET_MAX - 8];
	struct gdb *gdb = &self->gdb;

	memset(data, '0', sizeof(data));
	packet(gdb, data, GDB_PACKET_MAX);
	EXPECT_STREQ("+$#00", target.sent);
	packet(gdb, data, GDB_PACKET_MAX + 1);
	EXPECT_STREQ("+$E07#ac", target.sent);
	packet(gdb, data, sizeof(data));
	EXPECT_STREQ("+$E07#ac", target.sent);
	/* One without an end takes no room. */
	raw(gdb, "$");
	for (int i = 0; i < 1000; i++)
		feed(gdb, data, sizeof(data));
	EXPECT_STREQ("", target.sent);
	raw(gdb, "$qC#b4");
	EXPECT_STREQ("+$QC1#c5", target.sent);
}

/* ---- Memory ---- */

TEST_F(gdb, reads_memory)
{
	struct gdb *gdb = &self->gdb;
	const char *reply;

	target.memory[0] = 0x12;
	target.memory[1] = 0xab;
	target.memory[255] = 0xff;
	EXPECT_STREQ("12ab", ask(gdb, "m1000,2"));
	EXPECT_STREQ("", ask(gdb, "m1000,0"));
	/* What there is of it. */
	EXPECT_STREQ("ff", ask(gdb, "m10ff,4"));
	EXPECT_STREQ("E0e", ask(gdb, "m1100,4"));
	reply = ask(gdb, "m1000,ffffffffffffffff");
	EXPECT_EQ(512, strlen(reply));
}

TEST_F(gdb, writes_memory)
{
	struct gdb *gdb = &self->gdb;

	EXPECT_STREQ("OK", ask(gdb, "M1000,2:34Cd"));
	EXPECT_EQ(0x34, target.memory[0]);
	EXPECT_EQ(0xcd, target.memory[1]);
	EXPECT_STREQ("E0e", ask(gdb, "M10ff,2:3456"));
	/* Binary, with what has to be escaped. */
	packet(gdb, "X1000,4:a}\003}]\0", 15 - 1);
	EXPECT_STREQ("+$OK#9a", target.sent);
	EXPECT_EQ(0, memcmp(target.memory, "a#}\0", 4));
	EXPECT_STREQ("OK", ask(gdb, "X1000,0:"));
}

/* ---- Malformed ---- */

TEST_F(gdb, malformed_packets)
{
	static const char *const bad[] = {
		"m", "m1000", "m1000,", "m,1", "m1000,1;", "mx,1", "m00000000000001000,1",
		"M1000,2", "M1000,2:12", "M1000,2:1234ff", "M1000,1:1g", "M1000,fff:00",
		"M1000,ffffffffffffffff:00",
		"X1000,2:a", "X1000,1:ab", "X1000", "X1000,ffffffffffffffff:a",
		"p", "pffff", "p0;", "pffffffffffffffff", "P0", "P0=", "P0=00",
		"P0=000000000000000000", "P0=000000000000000g", "Pffff=0000000000000000",
		"G", "G00", "cx", "c1;", "sx", "C", "C05;x", "S", "Sx", "vCont;", "vCont;t", "vCont;x",
		"Z", "Z0", "Z0,1000", "Z0,1000,", "Z0,1000,1;cmds", "Zx,1000,1", "z0",
		"qXfer:features:read:target.xml:", "qXfer:features:read:target.xml:0",
		"qXfer:features:read:target.xml:ffffff,10", "qXfer:features:read:target.xml:0,1,",
	};
	struct gdb_cpu before = target.cpu;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_STREQ("E16", ask(&self->gdb, bad[i]))
			TH_LOG("%s", bad[i]);
		EXPECT_FALSE(self->gdb.running);
	}
	EXPECT_EQ(0, target.inserted + target.removed);
	EXPECT_EQ(0, memcmp(&before, &target.cpu, sizeof(before)));
	EXPECT_STREQ("E00", ask(&self->gdb, "qXfer:features:read:other.xml:0,10"));
}

/* ---- Registers ---- */

TEST_F(gdb, all_registers)
{
	struct gdb *gdb = &self->gdb;
	static char text[GDB_REPLY_MAX + 1];
	struct gdb_cpu cpu;
	unsigned int i;
	size_t size = 0;

	for (i = 0; i < sizeof(target.cpu); i++)
		((uint8_t *)&target.cpu)[i] = (uint8_t)(i * 7 + 1);
	cpu = target.cpu;
	for (i = 0; i < gdb_nr_registers(GDB_X86_64); i++)
		size += gdb_register_size(GDB_X86_64, i);
	EXPECT_GT(GDB_REGISTERS_MAX, size);
	text[0] = 'G';
	strcpy(text + 1, ask(gdb, "g"));
	EXPECT_EQ(1 + 2 * size, strlen(text));
	/* What was read can be written and is the same. */
	memset(&target.cpu, 0, sizeof(target.cpu));
	EXPECT_STREQ("OK", ask(gdb, text));
	EXPECT_EQ(cpu.regs.rax, target.cpu.regs.rax);
	EXPECT_EQ(cpu.regs.rip, target.cpu.regs.rip);
	EXPECT_EQ((uint32_t)cpu.regs.rflags, target.cpu.regs.rflags);
	EXPECT_EQ(cpu.sregs.fs.base, target.cpu.sregs.fs.base);
	EXPECT_EQ(cpu.sregs.cs.selector, target.cpu.sregs.cs.selector);
	EXPECT_EQ(cpu.sregs.efer, target.cpu.sregs.efer);
	EXPECT_EQ(0, memcmp(cpu.fx, target.cpu.fx, 5));
	EXPECT_EQ(0, memcmp(cpu.fx + 160, target.cpu.fx + 160, 256));
	/* One byte short. */
	text[strlen(text) - 2] = '\0';
	EXPECT_STREQ("E16", ask(gdb, text));
}

TEST_F(gdb, single_registers)
{
	struct gdb *gdb = &self->gdb;

	target.cpu.regs.rbx = 0x1122334455667788;
	EXPECT_STREQ("8877665544332211", ask(gdb, "p1"));
	EXPECT_STREQ("OK", ask(gdb, "P10=1000000000000080"));
	EXPECT_EQ(0x8000000000000010, target.cpu.regs.rip);
	target.result = -EIO;
	EXPECT_STREQ("E05", ask(gdb, "p1"));
	EXPECT_STREQ("E05", ask(gdb, "P1=0000000000000000"));
	EXPECT_STREQ("E05", ask(gdb, "g"));
}

TEST_F(gdb, registers_of_32_bits)
{
	struct gdb *gdb = &self->gdb;

	gdb_connect(gdb, &ops, NULL, GDB_I386, send_bytes, NULL);
	target.cpu.regs.rbx = 0x1122334455667788;
	EXPECT_STREQ("88776655", ask(gdb, "p3"));
	EXPECT_STREQ("OK", ask(gdb, "P8=007c0000"));
	EXPECT_EQ(0x7c00, target.cpu.regs.rip);
}

TEST_F(gdb, x87_tags)
{
	struct gdb *gdb = &self->gdb;

	/* ftag is 8 bytes of st0 to st7 and two more behind the segment registers. */
	target.cpu.fx[4] = 0x81;
	EXPECT_STREQ("fc3f0000", ask(gdb, "p22"));
	EXPECT_STREQ("OK", ask(gdb, "P22=ffff0000"));
	EXPECT_EQ(0, target.cpu.fx[4]);
	EXPECT_STREQ("OK", ask(gdb, "P22=00ff0000"));
	EXPECT_EQ(0x0f, target.cpu.fx[4]);
}

TEST(architectures)
{
	struct minivmx_regs regs = { 0 };
	struct minivmx_sregs sregs = { .cs.access = 1 << 14 };

	EXPECT_EQ(GDB_I8086, gdb_arch_of(&regs, &sregs));
	sregs.cr0 = 1;
	EXPECT_EQ(GDB_I386, gdb_arch_of(&regs, &sregs));
	regs.rflags = 1 << 17;
	EXPECT_EQ(GDB_I8086, gdb_arch_of(&regs, &sregs));
	regs.rflags = 0;
	sregs.cs.access = 0;
	EXPECT_EQ(GDB_I8086, gdb_arch_of(&regs, &sregs));
	sregs.efer = 1 << 10;
	EXPECT_EQ(GDB_X86_64, gdb_arch_of(&regs, &sregs));
}

/* ---- The target description ---- */

TEST_F(gdb, description_in_parts)
{
	static const enum gdb_arch archs[] = { GDB_I8086, GDB_I386, GDB_X86_64 };
	static char whole[GDB_DESCRIPTION_MAX], parts[GDB_DESCRIPTION_MAX];
	char question[80];
	const char *reply;
	size_t size, at, i;

	for (i = 0; i < 3; i++) {
		gdb_connect(&self->gdb, &ops, NULL, archs[i], send_bytes, NULL);
		size = gdb_description(archs[i], whole);
		ASSERT_GT(GDB_DESCRIPTION_MAX, size);
		EXPECT_EQ(size, strlen(whole));
		/* Nothing that would have to be escaped. */
		EXPECT_EQ(size, strcspn(whole, "#$}*"));
		for (at = 0; ; at += strlen(reply) - 1) {
			sprintf(question, "qXfer:features:read:target.xml:%zx,%x", at, 1000);
			reply = ask(&self->gdb, question);
			ASSERT_TRUE(reply[0] == 'm' || reply[0] == 'l');
			strcpy(parts + at, reply + 1);
			if (reply[0] == 'l')
				break;
		}
		EXPECT_STREQ(whole, parts);
		/* More than a packet has room for. */
		reply = ask(&self->gdb, "qXfer:features:read:target.xml:0,ffffffffffffffff");
		EXPECT_EQ(size < GDB_REPLY_MAX ? 'l' : 'm', reply[0]);
		EXPECT_EQ(size < GDB_REPLY_MAX ? size + 1 : GDB_REPLY_MAX, strlen(reply));
	}
}

/* ---- Running and stopping ---- */

TEST_F(gdb, runs)
{
	static const struct {
		const char *packet;
		enum gdb_action action;
	} rows[] = {
		{ "c", GDB_CONTINUE }, { "C05", GDB_CONTINUE }, { "vCont;c", GDB_CONTINUE },
		{ "vCont;c:1", GDB_CONTINUE }, { "vCont;C05;c", GDB_CONTINUE },
		{ "s", GDB_STEP }, { "S05", GDB_STEP }, { "vCont;s:1;c", GDB_STEP },
		{ "vCont;S05:1;c", GDB_STEP },
	};
	struct gdb *gdb = &self->gdb;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		EXPECT_EQ(rows[i].action, packet(gdb, rows[i].packet, strlen(rows[i].packet)));
		EXPECT_STREQ("+", target.sent);
		EXPECT_TRUE(gdb->running);
		/* What comes meanwhile has no answer, but for Ctrl-C. */
		packet(gdb, "g", 1);
		EXPECT_STREQ("+", target.sent);
		EXPECT_EQ(GDB_INTERRUPT, raw(gdb, "\003"));
		target.nr_sent = 0;
		gdb_stopped(gdb, GDB_STOP_STEP, NULL);
		EXPECT_STREQ("$T05thread:1;#d7", target.sent);
		EXPECT_FALSE(gdb->running);
	}
}

TEST_F(gdb, goes_on_elsewhere)
{
	struct gdb *gdb = &self->gdb;

	EXPECT_EQ(GDB_CONTINUE, packet(gdb, "c7c00", 5));
	EXPECT_EQ(0x7c00, target.cpu.regs.rip);
	gdb_stopped(gdb, GDB_STOP_ASKED, NULL);
	EXPECT_EQ(GDB_STEP, packet(gdb, "S05;7d00", 8));
	EXPECT_EQ(0x7d00, target.cpu.regs.rip);
}

TEST_F(gdb, ends)
{
	struct gdb *gdb = &self->gdb;

	EXPECT_EQ(GDB_DETACH, packet(gdb, "D", 1));
	EXPECT_STREQ("+$OK#9a", target.sent);
	EXPECT_EQ(GDB_DETACH, packet(gdb, "D;1", 3));
	EXPECT_EQ(GDB_KILL, packet(gdb, "k", 1));
	EXPECT_EQ(GDB_KILL, packet(gdb, "vKill;1", 7));
	EXPECT_STREQ("+$OK#9a", target.sent);
	target.nr_sent = 0;
	gdb_exited(gdb, 11);
	EXPECT_STREQ("$W0b#e9", target.sent);
}

TEST_F(gdb, stop_reasons)
{
	struct gdb_point point = { GDB_WATCH_WRITE, 0xffffffff81000010, 4 };
	struct gdb *gdb = &self->gdb;

	EXPECT_STREQ("T02thread:1;", ask(gdb, "?"));
	gdb_stopped(gdb, GDB_STOP_POINT, &point);
	EXPECT_STREQ("T05thread:1;watch:ffffffff81000010;", ask(gdb, "?"));
	point.type = GDB_WATCH_ACCESS;
	gdb_stopped(gdb, GDB_STOP_POINT, &point);
	EXPECT_STREQ("T05thread:1;awatch:ffffffff81000010;", ask(gdb, "?"));
	/* Only if the client knows them. */
	point.type = GDB_SOFTWARE;
	gdb_stopped(gdb, GDB_STOP_POINT, &point);
	EXPECT_STREQ("T05thread:1;", ask(gdb, "?"));
	ask(gdb, "qSupported:multiprocess+;swbreak+;hwbreak+");
	EXPECT_STREQ("T05thread:1;swbreak:;", ask(gdb, "?"));
	point.type = GDB_HARDWARE;
	gdb_stopped(gdb, GDB_STOP_POINT, &point);
	EXPECT_STREQ("T05thread:1;hwbreak:;", ask(gdb, "?"));
}

TEST_F(gdb, breakpoints)
{
	struct gdb *gdb = &self->gdb;

	EXPECT_STREQ("OK", ask(gdb, "Z2,ffffffff81000000,8"));
	EXPECT_EQ(GDB_WATCH_WRITE, target.point.type);
	EXPECT_EQ(0xffffffff81000000, target.point.address);
	EXPECT_EQ(8, target.point.size);
	EXPECT_STREQ("OK", ask(gdb, "z0,7c00,1"));
	EXPECT_EQ(GDB_SOFTWARE, target.point.type);
	EXPECT_EQ(1, target.inserted);
	EXPECT_EQ(1, target.removed);
	/* No such type: here, or at the target. */
	EXPECT_STREQ("", ask(gdb, "Z5,7c00,1"));
	EXPECT_STREQ("", ask(gdb, "Z100000000,7c00,1"));
	EXPECT_EQ(1, target.inserted);
	target.result = -EOPNOTSUPP;
	EXPECT_STREQ("", ask(gdb, "Z3,7c00,1"));
	target.result = -ENOSPC;
	EXPECT_STREQ("E1c", ask(gdb, "Z1,7c00,1"));
}

TEST_F(gdb, questions)
{
	struct gdb *gdb = &self->gdb;

	EXPECT_STREQ("1", ask(gdb, "qAttached"));
	EXPECT_STREQ("m1", ask(gdb, "qfThreadInfo"));
	EXPECT_STREQ("l", ask(gdb, "qsThreadInfo"));
	EXPECT_STREQ("OK", ask(gdb, "Hg0"));
	EXPECT_STREQ("OK", ask(gdb, "T1"));
	EXPECT_STREQ("vCont;c;C;s;S", ask(gdb, "vCont?"));
	EXPECT_TRUE(strstr(ask(gdb, "qSupported"), "PacketSize=1000;"));
}

/* Whatever comes, in whatever state: nothing is read or written that should not. */
TEST_F(gdb, random_bytes)
{
	static const char likely[] = "$$##gGpPmMXcsZz0123456789abcdef,:;=}qvCont\003+-";
	unsigned int seed = 1, i;

	for (i = 0; i < 2000000; i++) {
		const int r = rand_r(&seed);

		if (target.nr_sent > GDB_REPLY_MAX)
			target.nr_sent = 0;
		gdb_byte(&self->gdb, r & 0x10000 ? (uint8_t)r :
						   (uint8_t)likely[r % sizeof(likely)]);
		if (self->gdb.running && !(r & 0xe0000))
			gdb_stopped(&self->gdb, GDB_STOP_STEP, NULL);
	}
}

/* ---- Page walks ---- */

#define PRESENT	1ULL
#define LARGE	(1ULL << 7)

FIXTURE(walk)
{
	struct guest_memory memory;
	struct minivmx_sregs sregs;
};

FIXTURE_SETUP(walk)
{
	ASSERT_EQ(0, guest_memory_init(&self->memory, 2 * MIB));
	memset(&self->sregs, 0, sizeof(self->sregs));
	self->sregs.cr3 = 0x1000;
}

FIXTURE_TEARDOWN(walk)
{
	guest_memory_free(&self->memory);
}

static void put(struct _test_data_walk *self, uint64_t gpa, size_t size, uint64_t entry)
{
	memcpy(guest_memory_at(&self->memory, gpa, size), &entry, size);
}

/* Where it leads, or all ones. */
static uint64_t walk(struct _test_data_walk *self, uint64_t linear)
{
	uint64_t gpa;

	return guest_walk(&self->memory, &self->sregs, linear, &gpa) ? UINT64_MAX : gpa;
}

#define NOWHERE	UINT64_MAX

TEST_F(walk, without_paging)
{
	EXPECT_EQ(0x12345, walk(self, 0x12345));
	EXPECT_EQ(0x12345, walk(self, 0x100012345));
}

TEST_F(walk, two_levels)
{
	self->sregs.cr0 = 1U << 31;
	put(self, 0x1000 + 4 * 1, 4, 0x2000 | PRESENT);
	put(self, 0x2000 + 4 * 2, 4, 0xfffff000 | PRESENT);
	put(self, 0x1000 + 4 * 3, 4, 0x0ac00000 | 3 << 13 | LARGE | PRESENT);
	EXPECT_EQ(0xfffff123, walk(self, 0x00402123));
	EXPECT_EQ(0xfffff123, walk(self, 0x7700402123));
	EXPECT_EQ(NOWHERE, walk(self, 0x00403123));
	EXPECT_EQ(NOWHERE, walk(self, 0x00802123));
	/* Without CR4.PSE bit 7 is ignored, and the table is not in RAM. */
	EXPECT_EQ(NOWHERE, walk(self, 0x00c12345));
	self->sregs.cr4 = 1 << 4;
	EXPECT_EQ(0x30ac12345, walk(self, 0x00c12345));
}

TEST_F(walk, pae)
{
	self->sregs.cr0 = 1U << 31;
	self->sregs.cr4 = 1 << 5;
	self->sregs.pdpte[3] = 0x3000 | PRESENT;
	put(self, 0x3000 + 8 * 5, 8, 0x4000 | PRESENT);
	put(self, 0x4000 + 8 * 511, 8, 1ULL << 63 | 0xabcdef000 | PRESENT);
	put(self, 0x3000 + 8 * 6, 8, 0x123400000 | LARGE | PRESENT);
	EXPECT_EQ(0xabcdef008, walk(self, 3U << 30 | 5 << 21 | 511 << 12 | 8));
	EXPECT_EQ(0x12357abcd, walk(self, 3U << 30 | 6 << 21 | 0x17abcd));
	EXPECT_EQ(NOWHERE, walk(self, 3U << 30 | 7 << 21));
	EXPECT_EQ(NOWHERE, walk(self, 2U << 30 | 5 << 21 | 511 << 12));
}

static void four_levels(struct _test_data_walk *self)
{
	self->sregs.cr0 = 1U << 31;
	self->sregs.cr4 = 1 << 5;
	self->sregs.efer = 1 << 10;
	put(self, 0x1000 + 8 * 511, 8, 0x2000 | PRESENT);
	put(self, 0x2000 + 8 * 510, 8, 0x3000 | PRESENT);
	put(self, 0x3000 + 8 * 8, 8, 0x4000 | PRESENT);
	put(self, 0x4000 + 8 * 1, 8, 0x55000 | PRESENT);
	put(self, 0x3000 + 8 * 9, 8, 0x40000000 | 1 << 12 | LARGE | PRESENT);
	put(self, 0x2000 + 8 * 1, 8, 0x80000000 | LARGE | PRESENT);
}

TEST_F(walk, four_levels)
{
	four_levels(self);
	EXPECT_EQ(0x55fff, walk(self, 0xffffffff81001fff));
	EXPECT_EQ(NOWHERE, walk(self, 0xffffffff81002fff));
	EXPECT_EQ(0x401abcde, walk(self, 0xffffffff813abcde));
	EXPECT_EQ(0xbfffffff, walk(self, 0xffffff807fffffff));
	/* Not canonical. */
	EXPECT_EQ(NOWHERE, walk(self, 0x0000ffff81001fff));
	EXPECT_EQ(NOWHERE, walk(self, 0x7fffffff81001fff));
}

TEST_F(walk, five_levels)
{
	four_levels(self);
	put(self, 0x8000 + 8 * 256, 8, 0x1000 | PRESENT);
	self->sregs.cr3 = 0x8000;
	self->sregs.cr4 |= 1 << 12;
	EXPECT_EQ(0x55fff, walk(self, 0xff00ffff81001fff));
	EXPECT_EQ(NOWHERE, walk(self, 0xffffffff81001fff));
	EXPECT_EQ(NOWHERE, walk(self, 0x0100ffff81001fff));
}

TEST_F(walk, tables_that_are_not_in_memory)
{
	four_levels(self);
	self->sregs.cr3 = 0x100000000;
	EXPECT_EQ(NOWHERE, walk(self, 0xffffffff81001fff));
	self->sregs.cr3 = 0xffffffffff000;
	EXPECT_EQ(NOWHERE, walk(self, 0xffffffff81001fff));
	self->sregs.cr3 = 0x1000;
	put(self, 0x2000 + 8 * 510, 8, ~0ULL & ~LARGE);
	EXPECT_EQ(NOWHERE, walk(self, 0xffffffff81001fff));
}

TEST_F(walk, pointers_end_with_the_page)
{
	size_t size = 100;

	EXPECT_EQ(self->memory.host + 0xff0,
		  guest_linear_at(&self->memory, &self->sregs, 0xff0, &size));
	EXPECT_EQ(16, size);
	size = 100;
	EXPECT_EQ(NULL, guest_linear_at(&self->memory, &self->sregs, 2 * MIB, &size));
}

/* ---- Breakpoints ---- */

/* Two pages of the same memory, at 0x7000 and 0x8000, of the page at 0x5000. */
static void map_twice(struct _test_data_walk *self)
{
	self->sregs.cr0 = 1U << 31;
	put(self, 0x1000, 4, 0x2000 | PRESENT);
	put(self, 0x2000 + 4 * 7, 4, 0x5000 | PRESENT);
	put(self, 0x2000 + 4 * 8, 4, 0x5000 | PRESENT);
	put(self, 0x5ffc, 4, 0x44332211);
}

static int insert_at(struct gdb_points *p, struct _test_data_walk *self, uint64_t address,
		     enum gdb_point_type type, uint64_t size)
{
	const struct gdb_point point = { type, address, size };

	return gdb_points_insert(p, &self->sregs, &point);
}

static void remove_at(struct gdb_points *p, uint64_t address)
{
	const struct gdb_point point = { GDB_SOFTWARE, address, 1 };

	gdb_points_remove(p, &point);
}

static uint32_t in_memory(struct _test_data_walk *self)
{
	uint32_t value;

	memcpy(&value, guest_memory_at(&self->memory, 0x5ffc, 4), 4);
	return value;
}

TEST_F(walk, int3_is_hidden)
{
	static struct gdb_points p;
	uint32_t value;

	p = (struct gdb_points) { .memory = &self->memory };
	map_twice(self);
	ASSERT_EQ(0, insert_at(&p, self, 0x7ffd, GDB_SOFTWARE, 1));
	ASSERT_EQ(0, insert_at(&p, self, 0x7ffd, GDB_SOFTWARE, 1));
	ASSERT_EQ(0, insert_at(&p, self, 0x8ffd, GDB_SOFTWARE, 1));
	EXPECT_EQ(0x4433cc11, in_memory(self));
	EXPECT_EQ(4, gdb_points_read(&p, &self->sregs, 0x8ffc, (uint8_t *)&value, 4));
	EXPECT_EQ(0x44332211, value);
	/* What is written goes below it, through either. */
	value = 0x88776655;
	EXPECT_EQ(4, gdb_points_write(&p, &self->sregs, 0x7ffc, (uint8_t *)&value, 4));
	EXPECT_EQ(0x8877cc55, in_memory(self));
	remove_at(&p, 0x7ffd);
	EXPECT_EQ(0x8877cc55, in_memory(self));
	remove_at(&p, 0x7ffd);
	remove_at(&p, 0x8ffd);
	EXPECT_EQ(0x88776655, in_memory(self));
	EXPECT_EQ(0, p.nr_soft);
}

TEST_F(walk, what_the_guest_writes_stays)
{
	static struct gdb_points p;
	uint64_t gpa;

	p = (struct gdb_points) { .memory = &self->memory };
	map_twice(self);
	ASSERT_EQ(0, insert_at(&p, self, 0x7ffc, GDB_SOFTWARE, 1));
	put(self, 0x5ffc, 4, 0x99999999);
	remove_at(&p, 0x7ffc);
	EXPECT_EQ(0x99999999, in_memory(self));
	/* Also while it steps over a breakpoint. */
	ASSERT_EQ(0, insert_at(&p, self, 0x7ffc, GDB_SOFTWARE, 1));
	EXPECT_FALSE(gdb_points_soft_at(&p, &self->sregs, 0x7ffd, &gpa));
	ASSERT_TRUE(gdb_points_soft_at(&p, &self->sregs, 0x8ffc, &gpa));
	gdb_points_lift(&p, gpa);
	EXPECT_EQ(0x99999999, in_memory(self));
	put(self, 0x5ffc, 1, 0x77);
	gdb_points_restore(&p, gpa);
	EXPECT_EQ(0x999999cc, in_memory(self));
	gdb_points_clear(&p);
	EXPECT_EQ(0x99999977, in_memory(self));
}

TEST_F(walk, breakpoints_that_are_refused)
{
	static struct gdb_points p;
	uint64_t value = 0;
	unsigned int i;

	p = (struct gdb_points) { .memory = &self->memory };
	map_twice(self);
	EXPECT_EQ(-EFAULT, insert_at(&p, self, 0x9000, GDB_SOFTWARE, 1));
	put(self, 0x2000 + 4 * 9, 4, 0xfee00000 | PRESENT);
	EXPECT_EQ(-EFAULT, insert_at(&p, self, 0x9000, GDB_SOFTWARE, 1));
	EXPECT_EQ(4, gdb_points_read(&p, &self->sregs, 0x8ffc, (uint8_t *)&value, 8));
	EXPECT_EQ(0, gdb_points_write(&p, &self->sregs, 0x9000, (uint8_t *)&value, 8));
	for (i = 0; i < GDB_MAX_SOFT; i++)
		ASSERT_EQ(0, insert_at(&p, self, 0x7000 + i, GDB_SOFTWARE, 1));
	EXPECT_EQ(-ENOSPC, insert_at(&p, self, 0x8000, GDB_SOFTWARE, 1));
	gdb_points_clear(&p);
	EXPECT_EQ(0, *(uint8_t *)guest_memory_at(&self->memory, 0x5000, 1));

	EXPECT_EQ(-EOPNOTSUPP, insert_at(&p, self, 0x7000, GDB_WATCH_READ, 1));
	EXPECT_EQ(-EINVAL, insert_at(&p, self, 0x7000, GDB_WATCH_WRITE, 0));
	EXPECT_EQ(-EINVAL, insert_at(&p, self, 0x7000, GDB_WATCH_WRITE, 3));
	EXPECT_EQ(-EINVAL, insert_at(&p, self, 0x7000, GDB_WATCH_WRITE, 16));
	EXPECT_EQ(-EINVAL, insert_at(&p, self, 0x7000, GDB_WATCH_WRITE, 1ULL << 32));
	EXPECT_EQ(-EINVAL, insert_at(&p, self, 0x7004, GDB_WATCH_ACCESS, 8));
	EXPECT_FALSE(gdb_points_has_hard(&p));
}

TEST_F(walk, debug_registers)
{
	static struct gdb_points p;
	struct gdb_point point;

	p = (struct gdb_points) { .memory = &self->memory };
	EXPECT_EQ(0x400, gdb_points_dr7(&p));
	ASSERT_EQ(0, insert_at(&p, self, 0x1001, GDB_HARDWARE, 1));
	ASSERT_EQ(0, insert_at(&p, self, 0x1002, GDB_WATCH_WRITE, 2));
	ASSERT_EQ(0, insert_at(&p, self, 0x1004, GDB_WATCH_ACCESS, 4));
	ASSERT_EQ(0, insert_at(&p, self, 0x1008, GDB_WATCH_ACCESS, 8));
	ASSERT_EQ(0, insert_at(&p, self, 0x1008, GDB_WATCH_ACCESS, 8));
	EXPECT_EQ(-ENOSPC, insert_at(&p, self, 0x1008, GDB_WATCH_ACCESS, 4));
	/* From DR3 down: LEN and R/W of 0, 1; 1, 1; 3, 3; 2, 3. */
	EXPECT_EQ(0x0000000000000400 | 0xaa | 0x0ULL << 28 | 0x5ULL << 24 | 0xfULL << 20 |
		  0xbULL << 16, gdb_points_dr7(&p));
	ASSERT_TRUE(gdb_points_hit(&p, 4, &point));
	EXPECT_EQ(0x1002, point.address);
	EXPECT_FALSE(gdb_points_hit(&p, 0x4000, &point));
	EXPECT_TRUE(gdb_points_hard_at(&p, 0x1001));
	EXPECT_FALSE(gdb_points_hard_at(&p, 0x1002));
	gdb_points_clear(&p);
	EXPECT_FALSE(gdb_points_hit(&p, 0xf, &point));
}

TEST_HARNESS_MAIN
