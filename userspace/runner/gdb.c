// SPDX-License-Identifier: GPL-2.0
/* Packets: a table by how they begin. Every number in them is checked where it is read. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "gdb.h"

static const char digits[] = "0123456789abcdef";

/* ---- Reading a packet ---- */

/* What is left of a packet. */
struct cursor {
	const char *at;
	const char *end;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One to 16 digits; false if there is none, or more. */
static bool take_number(struct cursor *c, uint64_t *value)
{
	const char *start = c->at;

	*value = 0;
	while (c->at < c->end && hex_digit(*c->at) >= 0)
		*value = *value << 4 | (unsigned int)hex_digit(*c->at++);
	return c->at > start && c->at - start <= 16;
}

static bool take_char(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool take_word(struct cursor *c, const char *word)
{
	const size_t length = strlen(word);

	if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length))
		return false;
	c->at += length;
	return true;
}

static bool is_empty(const struct cursor *c)
{
	return c->at == c->end;
}

/* Exactly @size bytes in hexadecimal. */
static bool take_bytes(struct cursor *c, uint8_t *bytes, size_t size)
{
	size_t i;

	if ((size_t)(c->end - c->at) < 2 * size)
		return false;
	for (i = 0; i < size; i++) {
		const int high = hex_digit(c->at[0]), low = hex_digit(c->at[1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
		c->at += 2;
	}
	return true;
}

/* ---- Replies ---- */

/* The reply is put together behind its $. */
static void start_reply(struct gdb *gdb)
{
	gdb->reply[0] = '$';
	gdb->reply_length = 1;
}

static size_t reply_room(const struct gdb *gdb)
{
	return GDB_REPLY_MAX + 1 - gdb->reply_length;
}

/* What finds no room is left off: no reply but bytes of memory can be that long. */
static void add_char(struct gdb *gdb, char c)
{
	if (reply_room(gdb))
		gdb->reply[gdb->reply_length++] = c;
}

__attribute__((format(printf, 2, 3)))
static void add_text(struct gdb *gdb, const char *format, ...)
{
	char text[160];
	va_list args;
	const char *p;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (p = text; *p; p++)
		add_char(gdb, *p);
}

static void add_bytes(struct gdb *gdb, const uint8_t *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		add_char(gdb, digits[bytes[i] >> 4]);
		add_char(gdb, digits[bytes[i] & 0xf]);
	}
}

static void resend(struct gdb *gdb)
{
	if (gdb->reply_length)
		gdb->send(gdb->connection, gdb->reply, gdb->reply_length);
}

static void send_reply(struct gdb *gdb)
{
	uint8_t sum = 0;
	size_t i;

	for (i = 1; i < gdb->reply_length; i++)
		sum += (uint8_t)gdb->reply[i];
	gdb->reply[gdb->reply_length++] = '#';
	gdb->reply[gdb->reply_length++] = digits[sum >> 4];
	gdb->reply[gdb->reply_length++] = digits[sum & 0xf];
	resend(gdb);
}

/* A negative errno, or 0 for OK. */
static void add_result(struct gdb *gdb, int ret)
{
	if (ret)
		add_text(gdb, "E%02x", (unsigned int)-ret & 0xff);
	else
		add_text(gdb, "OK");
}

/* ---- Stops ---- */

static void add_stop(struct gdb *gdb)
{
	static const char *const watches[] = {
		[GDB_WATCH_WRITE] = "watch",
		[GDB_WATCH_READ] = "rwatch",
		[GDB_WATCH_ACCESS] = "awatch",
	};
	const struct gdb_point *point = &gdb->point;

	/* SIGINT or SIGTRAP. */
	add_text(gdb, "T%02xthread:1;", gdb->stop == GDB_STOP_ASKED ? 2U : 5U);
	if (gdb->stop != GDB_STOP_POINT)
		return;
	if (point->type == GDB_SOFTWARE && gdb->knows_swbreak)
		add_text(gdb, "swbreak:;");
	else if (point->type == GDB_HARDWARE && gdb->knows_hwbreak)
		add_text(gdb, "hwbreak:;");
	else if (point->type > GDB_HARDWARE)
		add_text(gdb, "%s:%llx;", watches[point->type],
			 (unsigned long long)point->address);
}

void gdb_stopped(struct gdb *gdb, enum gdb_stop why, const struct gdb_point *point)
{
	gdb->running = false;
	gdb->stop = why;
	if (point)
		gdb->point = *point;
	start_reply(gdb);
	add_stop(gdb);
	send_reply(gdb);
}

void gdb_exited(struct gdb *gdb, int status)
{
	start_reply(gdb);
	add_text(gdb, "W%02x", (unsigned int)status & 0xff);
	send_reply(gdb);
}

/* ---- Packets: each adds to the reply ---- */

static enum gdb_action on_why(struct gdb *gdb, struct cursor *c)
{
	(void)c;
	add_stop(gdb);
	return GDB_NOTHING;
}

static enum gdb_action on_read_all(struct gdb *gdb, struct cursor *c)
{
	uint8_t bytes[GDB_REGISTER_MAX];
	struct gdb_cpu cpu;
	unsigned int i;
	int ret = gdb->ops->get_cpu(gdb->target, &cpu);

	(void)c;
	if (ret) {
		add_result(gdb, ret);
		return GDB_NOTHING;
	}
	for (i = 0; i < gdb_nr_registers(gdb->arch); i++)
		add_bytes(gdb, bytes, gdb_read_register(gdb->arch, i, &cpu, bytes));
	return GDB_NOTHING;
}

static enum gdb_action on_write_all(struct gdb *gdb, struct cursor *c)
{
	uint8_t bytes[GDB_REGISTER_MAX];
	struct gdb_cpu cpu;
	unsigned int i;
	int ret = gdb->ops->get_cpu(gdb->target, &cpu);

	for (i = 0; !ret && i < gdb_nr_registers(gdb->arch); i++) {
		if (take_bytes(c, bytes, gdb_register_size(gdb->arch, i)))
			gdb_write_register(gdb->arch, i, &cpu, bytes);
		else
			ret = -EINVAL;
	}
	if (!ret)
		ret = is_empty(c) ? gdb->ops->set_cpu(gdb->target, &cpu) : -EINVAL;
	add_result(gdb, ret);
	return GDB_NOTHING;
}

static bool take_register(struct gdb *gdb, struct cursor *c, unsigned int *number)
{
	uint64_t value;

	if (!take_number(c, &value) || value >= gdb_nr_registers(gdb->arch))
		return false;
	*number = (unsigned int)value;
	return true;
}

static enum gdb_action on_read_one(struct gdb *gdb, struct cursor *c)
{
	uint8_t bytes[GDB_REGISTER_MAX];
	struct gdb_cpu cpu;
	unsigned int number;
	int ret = -EINVAL;

	if (take_register(gdb, c, &number) && is_empty(c))
		ret = gdb->ops->get_cpu(gdb->target, &cpu);
	if (ret)
		add_result(gdb, ret);
	else
		add_bytes(gdb, bytes, gdb_read_register(gdb->arch, number, &cpu, bytes));
	return GDB_NOTHING;
}

static enum gdb_action on_write_one(struct gdb *gdb, struct cursor *c)
{
	uint8_t bytes[GDB_REGISTER_MAX];
	struct gdb_cpu cpu;
	unsigned int number;
	int ret = -EINVAL;

	if (take_register(gdb, c, &number) && take_char(c, '=') &&
	    take_bytes(c, bytes, gdb_register_size(gdb->arch, number)) && is_empty(c))
		ret = gdb->ops->get_cpu(gdb->target, &cpu);
	if (!ret) {
		gdb_write_register(gdb->arch, number, &cpu, bytes);
		ret = gdb->ops->set_cpu(gdb->target, &cpu);
	}
	add_result(gdb, ret);
	return GDB_NOTHING;
}

/* ADDRESS,SIZE */
static bool take_range(struct cursor *c, uint64_t *address, uint64_t *size)
{
	return take_number(c, address) && take_char(c, ',') && take_number(c, size);
}

/* As much as there is, and as there is room for: gdb asks again for the rest. */
static enum gdb_action on_read_memory(struct gdb *gdb, struct cursor *c)
{
	uint8_t bytes[GDB_REPLY_MAX / 2];
	uint64_t address, size;

	if (!take_range(c, &address, &size) || !is_empty(c)) {
		add_result(gdb, -EINVAL);
		return GDB_NOTHING;
	}
	if (size > sizeof(bytes))
		size = sizeof(bytes);
	if (size) {
		size = gdb->ops->read(gdb->target, address, bytes, size);
		if (!size)
			add_result(gdb, -EFAULT);
	}
	add_bytes(gdb, bytes, size);
	return GDB_NOTHING;
}

static void write_memory(struct gdb *gdb, uint64_t address, const uint8_t *bytes, uint64_t size)
{
	add_result(gdb, gdb->ops->write(gdb->target, address, bytes, size) == size ?
			0 : -EFAULT);
}

static enum gdb_action on_write_memory(struct gdb *gdb, struct cursor *c)
{
	uint8_t bytes[GDB_PACKET_MAX / 2];
	uint64_t address, size;

	if (take_range(c, &address, &size) && take_char(c, ':') && size <= sizeof(bytes) &&
	    take_bytes(c, bytes, size) && is_empty(c))
		write_memory(gdb, address, bytes, size);
	else
		add_result(gdb, -EINVAL);
	return GDB_NOTHING;
}

static enum gdb_action on_write_binary(struct gdb *gdb, struct cursor *c)
{
	uint64_t address, size;

	if (take_range(c, &address, &size) && take_char(c, ':') &&
	    size == (uint64_t)(c->end - c->at))
		write_memory(gdb, address, (const uint8_t *)c->at, size);
	else
		add_result(gdb, -EINVAL);
	return GDB_NOTHING;
}

/* TYPE,ADDRESS,KIND; conditions and commands, which may follow, were not offered. */
static void change_point(struct gdb *gdb, struct cursor *c,
			 int (*change)(void *target, const struct gdb_point *point))
{
	struct gdb_point point;
	uint64_t type;
	int ret;

	if (!take_number(c, &type) || !take_char(c, ',') ||
	    !take_range(c, &point.address, &point.size) || !is_empty(c)) {
		add_result(gdb, -EINVAL);
		return;
	}
	if (type > GDB_WATCH_ACCESS)
		return;
	point.type = (enum gdb_point_type)type;
	ret = change(gdb->target, &point);
	/* An empty reply says that there are none of that type. */
	if (ret != -EOPNOTSUPP)
		add_result(gdb, ret);
}

static enum gdb_action on_insert(struct gdb *gdb, struct cursor *c)
{
	change_point(gdb, c, gdb->ops->insert);
	return GDB_NOTHING;
}

static enum gdb_action on_remove(struct gdb *gdb, struct cursor *c)
{
	change_point(gdb, c, gdb->ops->remove);
	return GDB_NOTHING;
}

static int set_rip(struct gdb *gdb, uint64_t rip)
{
	struct gdb_cpu cpu;
	int ret = gdb->ops->get_cpu(gdb->target, &cpu);

	cpu.regs.rip = rip;
	return ret ? ret : gdb->ops->set_cpu(gdb->target, &cpu);
}

/* "c" and "s", with an address to go on at or without. */
static enum gdb_action resume_at(struct gdb *gdb, struct cursor *c, enum gdb_action action)
{
	uint64_t rip;
	int ret = 0;

	if (!is_empty(c))
		ret = take_number(c, &rip) && is_empty(c) ? set_rip(gdb, rip) : -EINVAL;
	if (ret) {
		add_result(gdb, ret);
		return GDB_NOTHING;
	}
	return action;
}

static enum gdb_action on_continue(struct gdb *gdb, struct cursor *c)
{
	return resume_at(gdb, c, GDB_CONTINUE);
}

static enum gdb_action on_step(struct gdb *gdb, struct cursor *c)
{
	return resume_at(gdb, c, GDB_STEP);
}

/* With a signal, which is none of the guest's: SIGNAL[;ADDRESS] */
static enum gdb_action on_signal(struct gdb *gdb, struct cursor *c, enum gdb_action action)
{
	uint64_t number;

	if (!take_number(c, &number) || (!take_char(c, ';') && !is_empty(c))) {
		add_result(gdb, -EINVAL);
		return GDB_NOTHING;
	}
	return resume_at(gdb, c, action);
}

static enum gdb_action on_continue_signal(struct gdb *gdb, struct cursor *c)
{
	return on_signal(gdb, c, GDB_CONTINUE);
}

static enum gdb_action on_step_signal(struct gdb *gdb, struct cursor *c)
{
	return on_signal(gdb, c, GDB_STEP);
}

/* There is one thread, so the first action is for it. */
static enum gdb_action on_vcont(struct gdb *gdb, struct cursor *c)
{
	switch (is_empty(c) ? '\0' : *c->at) {
	case 'c':
	case 'C':
		return GDB_CONTINUE;
	case 's':
	case 'S':
		return GDB_STEP;
	default:
		add_result(gdb, -EINVAL);
		return GDB_NOTHING;
	}
}

static enum gdb_action on_vcont_query(struct gdb *gdb, struct cursor *c)
{
	(void)c;
	add_text(gdb, "vCont;c;C;s;S");
	return GDB_NOTHING;
}

static enum gdb_action on_detach(struct gdb *gdb, struct cursor *c)
{
	(void)c;
	add_result(gdb, 0);
	return GDB_DETACH;
}

static enum gdb_action on_kill(struct gdb *gdb, struct cursor *c)
{
	(void)c;
	add_result(gdb, 0);
	return GDB_KILL;
}

static enum gdb_action on_ok(struct gdb *gdb, struct cursor *c)
{
	(void)c;
	add_result(gdb, 0);
	return GDB_NOTHING;
}

static bool has_word(const struct cursor *c, const char *word)
{
	return memmem(c->at, (size_t)(c->end - c->at), word, strlen(word));
}

static enum gdb_action on_supported(struct gdb *gdb, struct cursor *c)
{
	gdb->knows_swbreak = has_word(c, "swbreak+");
	gdb->knows_hwbreak = has_word(c, "hwbreak+");
	add_text(gdb, "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;", GDB_PACKET_MAX);
	add_text(gdb, "swbreak+;hwbreak+;vContSupported+");
	return GDB_NOTHING;
}

static enum gdb_action on_no_ack(struct gdb *gdb, struct cursor *c)
{
	gdb->no_ack = true;
	return on_ok(gdb, c);
}

/* OFFSET,LENGTH of target.xml, in which nothing has to be escaped. */
static enum gdb_action on_features(struct gdb *gdb, struct cursor *c)
{
	char text[GDB_DESCRIPTION_MAX];
	const size_t size = gdb_description(gdb->arch, text);
	uint64_t offset, length, i;

	if (!take_range(c, &offset, &length) || !is_empty(c) || offset > size) {
		add_result(gdb, -EINVAL);
		return GDB_NOTHING;
	}
	if (length > reply_room(gdb) - 1)
		length = reply_room(gdb) - 1;
	add_char(gdb, length < size - offset ? 'm' : 'l');
	for (i = offset; i < size && length; i++, length--)
		add_char(gdb, text[i]);
	return GDB_NOTHING;
}

static enum gdb_action on_other_features(struct gdb *gdb, struct cursor *c)
{
	(void)c;
	add_text(gdb, "E00");
	return GDB_NOTHING;
}

#define FIXED_REPLY(name, text)						\
static enum gdb_action name(struct gdb *gdb, struct cursor *c)		\
{									\
	(void)c;							\
	add_text(gdb, text);						\
	return GDB_NOTHING;						\
}

FIXED_REPLY(on_attached, "1")
FIXED_REPLY(on_current_thread, "QC1")
FIXED_REPLY(on_first_threads, "m1")
FIXED_REPLY(on_more_threads, "l")

/* The first row that a packet begins with is its row; without one it is not known. */
static const struct {
	const char *begin;
	enum gdb_action (*handle)(struct gdb *gdb, struct cursor *c);
} packets[] = {
	{ "?", on_why },
	{ "g", on_read_all },
	{ "G", on_write_all },
	{ "p", on_read_one },
	{ "P", on_write_one },
	{ "m", on_read_memory },
	{ "M", on_write_memory },
	{ "X", on_write_binary },
	{ "c", on_continue },
	{ "C", on_continue_signal },
	{ "s", on_step },
	{ "S", on_step_signal },
	{ "Z", on_insert },
	{ "z", on_remove },
	{ "vCont?", on_vcont_query },
	{ "vCont;", on_vcont },
	{ "vKill;", on_kill },
	{ "D", on_detach },
	{ "k", on_kill },
	{ "H", on_ok },
	{ "T", on_ok },
	{ "qSupported", on_supported },
	{ "QStartNoAckMode", on_no_ack },
	{ "qXfer:features:read:target.xml:", on_features },
	{ "qXfer:features:read:", on_other_features },
	{ "qAttached", on_attached },
	{ "qC", on_current_thread },
	{ "qfThreadInfo", on_first_threads },
	{ "qsThreadInfo", on_more_threads },
};

static enum gdb_action handle_packet(struct gdb *gdb)
{
	struct cursor c = { gdb->packet, gdb->packet + gdb->length };
	enum gdb_action action = GDB_NOTHING;
	size_t i;

	start_reply(gdb);
	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		if (take_word(&c, packets[i].begin)) {
			action = packets[i].handle(gdb, &c);
			break;
		}
	}
	/* What runs is answered when it stops. */
	if (action == GDB_CONTINUE || action == GDB_STEP) {
		gdb->running = true;
		gdb->reply_length = 0;
	} else {
		send_reply(gdb);
	}
	return action;
}

/* ---- Framing ---- */

static void acknowledge(struct gdb *gdb, bool good)
{
	if (!gdb->no_ack)
		gdb->send(gdb->connection, good ? "+" : "-", 1);
}

static enum gdb_action end_packet(struct gdb *gdb, bool good)
{
	gdb->state = GDB_BETWEEN;
	acknowledge(gdb, good);
	if (!good || gdb->running)
		return GDB_NOTHING;
	if (gdb->too_long) {
		start_reply(gdb);
		add_result(gdb, -E2BIG);
		send_reply(gdb);
		return GDB_NOTHING;
	}
	gdb->packet[gdb->length] = '\0';
	return handle_packet(gdb);
}

static void start_packet(struct gdb *gdb)
{
	gdb->state = GDB_DATA;
	gdb->sum = 0;
	gdb->length = 0;
	gdb->too_long = false;
}

static void add_data(struct gdb *gdb, uint8_t byte)
{
	if (gdb->length < GDB_PACKET_MAX)
		gdb->packet[gdb->length++] = (char)byte;
	else
		gdb->too_long = true;
}

static enum gdb_action between_packets(struct gdb *gdb, uint8_t byte)
{
	switch (byte) {
	case '$':
		start_packet(gdb);
		break;
	case '-':
		if (!gdb->no_ack)
			resend(gdb);
		break;
	case 0x03:
		return GDB_INTERRUPT;
	}
	return GDB_NOTHING;
}

enum gdb_action gdb_byte(struct gdb *gdb, uint8_t byte)
{
	int digit;

	switch (gdb->state) {
	case GDB_BETWEEN:
		return between_packets(gdb, byte);
	case GDB_DATA:
		if (byte == '$') {
			/* It is escaped in data: the rest of the last one was lost. */
			start_packet(gdb);
			return GDB_NOTHING;
		}
		if (byte == '#') {
			gdb->state = GDB_SUM_HIGH;
			return GDB_NOTHING;
		}
		gdb->sum += byte;
		if (byte == '}')
			gdb->state = GDB_ESCAPED;
		else
			add_data(gdb, byte);
		return GDB_NOTHING;
	case GDB_ESCAPED:
		gdb->sum += byte;
		add_data(gdb, byte ^ 0x20);
		gdb->state = GDB_DATA;
		return GDB_NOTHING;
	case GDB_SUM_HIGH:
		digit = hex_digit((char)byte);
		if (digit < 0)
			return end_packet(gdb, false);
		gdb->wanted = (uint8_t)(digit << 4);
		gdb->state = GDB_SUM_LOW;
		return GDB_NOTHING;
	case GDB_SUM_LOW:
		digit = hex_digit((char)byte);
		return end_packet(gdb, digit >= 0 && (gdb->wanted | digit) == gdb->sum);
	}
	return GDB_NOTHING;
}

void gdb_connect(struct gdb *gdb, const struct gdb_ops *ops, void *target, enum gdb_arch arch,
		 gdb_send send, void *connection)
{
	memset(gdb, 0, sizeof(*gdb));
	gdb->ops = ops;
	gdb->target = target;
	gdb->arch = arch;
	gdb->send = send;
	gdb->connection = connection;
}
