// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC: its registers and what they do. See lapic.h.
 *
 * The table of registers below says what a guest may do to each, in both modes; the
 * functions behind it what happens then.
 */
#include "lapic.h"

/* Local vector table entries, ICR and MSI data. */
#define VECTOR		0xffU
#define MODE_SHIFT	8
#define MODE		(7U << MODE_SHIFT)
#define LOGICAL		(1U << 11)
#define STATUS		(1U << 12)	/* delivery status, read-only: nothing ever waits */
#define POLARITY	(1U << 13)
#define REMOTE_IRR	(1U << 14)	/* read-only */
#define ASSERT		(1U << 14)	/* in ICR */
#define LEVEL		(1U << 15)
#define MASKED		(1U << 16)
#define TIMER_MODE	(3U << 17)
#define SHORTHAND_SHIFT	18
#define SHORTHAND	(3U << SHORTHAND_SHIFT)

#define TIMER_PERIODIC	(1U << 17)
#define TIMER_DEADLINE	(2U << 17)

#define SVR_ENABLED	(1U << 8)
#define SVR_FOCUS	(1U << 9)
#define SVR_NO_EOI	(1U << 12)	/* no EOI broadcast */

/* Integrated, LVT entries 0 to 5, and bit 24: SVR_NO_EOI exists. */
#define VERSION		(0x14U | 5U << 16 | 1U << 24)

#define DFR_RESERVED	0x0fffffffU	/* all ones */
#define DFR_FLAT	0xfU
#define DFR_CLUSTER	0x0U

/* Who may do what: in memory, and by MSRs in x2APIC mode. */
#define R	(1 << 0)
#define W	(1 << 1)
#define XR	(1 << 2)
#define XW	(1 << 3)

/**
 * struct reg_row - a register, or the eight of a bit map
 * @offset: where
 * @access: R, W, XR, XW
 * @nr: registers in a row, 16 bytes apart
 * @bits: that can be written; the others are reserved
 * @ignored: that are read-only: writing them is no error
 */
struct reg_row {
	u16 offset;
	u8 access;
	u8 nr;
	u32 bits;
	u32 ignored;
};

static const struct reg_row reg_rows[] = {
	{ LAPIC_ID, R | W | XR, 1, 0xff000000, 0 },
	{ LAPIC_VERSION, R | XR, 1, 0, 0 },
	{ LAPIC_TPR, R | W | XR | XW, 1, 0xff, 0 },
	{ LAPIC_APR, R, 1, 0, 0 },
	{ LAPIC_PPR, R | XR, 1, 0, 0 },
	{ LAPIC_EOI, W | XW, 1, 0, 0 },
	{ LAPIC_RRD, R, 1, 0, 0 },
	{ LAPIC_LDR, R | W | XR, 1, 0xff000000, 0 },
	{ LAPIC_DFR, R | W, 1, 0xf0000000, 0 },
	{ LAPIC_SVR, R | W | XR | XW, 1, VECTOR | SVR_ENABLED | SVR_FOCUS | SVR_NO_EOI, 0 },
	{ LAPIC_ISR, R | XR, 8, 0, 0 },
	{ LAPIC_TMR, R | XR, 8, 0, 0 },
	{ LAPIC_IRR, R | XR, 8, 0, 0 },
	{ LAPIC_ESR, R | W | XR | XW, 1, 0, 0 },
	{ LAPIC_ICR, R | W | XR | XW, 1,
	  VECTOR | MODE | LOGICAL | ASSERT | LEVEL | SHORTHAND, 0 },
	{ LAPIC_ICR_HIGH, R | W, 1, 0xff000000, 0 },
	{ LAPIC_LVT_TIMER, R | W | XR | XW, 1, VECTOR | MASKED | TIMER_MODE, STATUS },
	{ LAPIC_LVT_THERMAL, R | W | XR | XW, 1, VECTOR | MODE | MASKED, STATUS },
	{ LAPIC_LVT_PERF, R | W | XR | XW, 1, VECTOR | MODE | MASKED, STATUS },
	{ LAPIC_LVT_LINT0, R | W | XR | XW, 1,
	  VECTOR | MODE | POLARITY | LEVEL | MASKED, STATUS | REMOTE_IRR },
	{ LAPIC_LVT_LINT1, R | W | XR | XW, 1,
	  VECTOR | MODE | POLARITY | LEVEL | MASKED, STATUS | REMOTE_IRR },
	{ LAPIC_LVT_ERROR, R | W | XR | XW, 1, VECTOR | MASKED, STATUS },
	{ LAPIC_TIMER_INITIAL, R | W | XR | XW, 1, 0xffffffff, 0 },
	{ LAPIC_TIMER_CURRENT, R | XR, 1, 0, 0 },
	{ LAPIC_TIMER_DIVIDE, R | W | XR | XW, 1, 0xb, 0 },
	{ LAPIC_SELF_IPI, XW, 1, VECTOR, 0 },
};

static const u16 lvts[] = {
	LAPIC_LVT_TIMER, LAPIC_LVT_THERMAL, LAPIC_LVT_PERF, LAPIC_LVT_LINT0, LAPIC_LVT_LINT1,
	LAPIC_LVT_ERROR,
};

/* The register at exactly that offset, if it allows one of these accesses, or NULL. */
static const struct reg_row *find_row(u32 offset, unsigned int access)
{
	const struct reg_row *row;

	for (row = reg_rows; row < reg_rows + ARRAY_SIZE(reg_rows); row++)
		if (offset >= row->offset && offset < row->offset + row->nr * 16U &&
		    !(offset & 15))
			return row->access & access ? row : NULL;
	return NULL;
}

static u32 get(const struct lapic *apic, u32 offset)
{
	return apic->regs[offset / 4];
}

static void set(struct lapic *apic, u32 offset, u32 value)
{
	apic->regs[offset / 4] = value;
}

/* ---- The three bit maps, 256 bits each ---- */

static u32 *map_word(struct lapic *apic, u32 map, u8 vector)
{
	return &apic->regs[map / 4 + vector / 32 * 4];
}

static bool map_test(const struct lapic *apic, u32 map, u8 vector)
{
	return get(apic, map + vector / 32 * 16) >> (vector % 32) & 1;
}

static void map_set(struct lapic *apic, u32 map, u8 vector, bool on)
{
	u32 *word = map_word(apic, map, vector), bit = 1U << (vector % 32);

	*word = on ? *word | bit : *word & ~bit;
}

/* Nearly always: found out without a branch for each word. */
static bool map_is_empty(const struct lapic *apic, u32 map)
{
	return !(get(apic, map) | get(apic, map + 0x10) | get(apic, map + 0x20) |
		 get(apic, map + 0x30) | get(apic, map + 0x40) | get(apic, map + 0x50) |
		 get(apic, map + 0x60) | get(apic, map + 0x70));
}

/* The highest vector in it, or -1. */
static int map_highest(const struct lapic *apic, u32 map)
{
	int i;

	if (map_is_empty(apic, map))
		return -1;
	for (i = 7; i >= 0; i--) {
		u32 word = get(apic, map + i * 16);

		if (word)
			return i * 32 + 31 - __builtin_clz(word);
	}
	return -1;
}

/* ---- Life ---- */

static bool software_enabled(const struct lapic *apic)
{
	return get(apic, LAPIC_SVR) & SVR_ENABLED;
}

/* "Logical Destination Mode in x2APIC Mode": cluster, and a bit in it. */
static u32 x2apic_ldr(u32 id)
{
	return id >> 4 << 16 | 1U << (id & 15);
}

/* "Divide Configuration Register": bits 3, 1, 0 make 2, 4, ... 128, 1. */
static u8 divide_shift(u32 divide)
{
	return (((divide & 3) | (divide & 8) >> 1) + 1) & 7;
}

/* Registers as after power-up, but for the id. */
static void reset_registers(struct lapic *apic)
{
	size_t i;

	memset(apic->regs, 0, LAPIC_SIZE);
	set(apic, LAPIC_VERSION, VERSION);
	set(apic, LAPIC_DFR, 0xffffffff);
	set(apic, LAPIC_SVR, 0xff);
	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		set(apic, lvts[i], MASKED);
	apic->deadline = 0;
	apic->timer_mode = 0;
	apic->timer_shift = divide_shift(0);
	apic->counting = false;
	apic->errors = 0;
}

/* What the mode decides. */
static void set_ids(struct lapic *apic, u32 xapic_id)
{
	if (lapic_x2apic(apic)) {
		set(apic, LAPIC_ID, apic->id);
		set(apic, LAPIC_LDR, x2apic_ldr(apic->id));
	} else {
		set(apic, LAPIC_ID, xapic_id);
	}
}

void lapic_reset(struct lapic *apic, u32 *regs, u32 id, bool bsp)
{
	*apic = (struct lapic) {
		.regs = regs, .id = id,
		.base = LAPIC_BASE_DEFAULT | LAPIC_BASE_ENABLED | (bsp ? LAPIC_BASE_BSP : 0),
	};
	reset_registers(apic);
	set_ids(apic, id << 24);
}

void lapic_init(struct lapic *apic)
{
	u32 id = get(apic, LAPIC_ID);

	reset_registers(apic);
	set_ids(apic, id);
}

/* "x2APIC State Transitions": from the mode to the mode. */
static bool transition_valid(u64 old, u64 new)
{
	const u64 mode = LAPIC_BASE_ENABLED | LAPIC_BASE_X2APIC;

	switch (new & mode) {
	case LAPIC_BASE_X2APIC:
		return false;
	case LAPIC_BASE_ENABLED:
		return !(old & LAPIC_BASE_X2APIC);
	case LAPIC_BASE_ENABLED | LAPIC_BASE_X2APIC:
		return old & LAPIC_BASE_ENABLED;
	default:
		return true;
	}
}

static bool base_valid(u64 value, unsigned int physical_bits)
{
	const u64 flags = LAPIC_BASE_BSP | LAPIC_BASE_X2APIC | LAPIC_BASE_ENABLED;

	return !(value & 0xfff & ~flags) && !(value >> physical_bits);
}

int lapic_write_base(struct lapic *apic, u64 value, unsigned int physical_bits)
{
	u64 old = apic->base;

	if (!base_valid(value, physical_bits) || !transition_valid(old, value))
		return -EINVAL;
	apic->base = value;
	if (!((old ^ value) & (LAPIC_BASE_X2APIC | LAPIC_BASE_ENABLED)))
		return 0;
	/* To x2APIC mode all but the ids stays; disabled it forgets everything. */
	if (!lapic_x2apic(apic))
		reset_registers(apic);
	set(apic, LAPIC_ICR_HIGH, 0);
	set_ids(apic, apic->id << 24);
	return LAPIC_DO_TIMER;
}

/* ---- What comes in ---- */

/* The interrupt for errors comes once until ESR is written. */
static int raise_error(struct lapic *apic, u32 error)
{
	u32 before = apic->errors;

	apic->errors |= error;
	return before ? 0 : lapic_local(apic, LAPIC_LVT_ERROR);
}

int lapic_receive(struct lapic *apic, u8 vector, bool level)
{
	if (vector < LAPIC_FIRST_VECTOR)
		return raise_error(apic, LAPIC_ERROR_RECEIVE_ILLEGAL);
	if (!software_enabled(apic))
		return 0;
	map_set(apic, LAPIC_TMR, vector, level);
	map_set(apic, LAPIC_IRR, vector, true);
	return 0;
}

int lapic_local(struct lapic *apic, u32 lvt)
{
	u32 value = get(apic, lvt);

	if (value & MASKED)
		return 0;
	/* In those of the timer and of errors the mode's bits are reserved: 0, fixed. */
	switch ((enum lapic_mode)((value & MODE) >> MODE_SHIFT)) {
	case LAPIC_FIXED:
		return lapic_receive(apic, value & VECTOR, value & LEVEL);
	case LAPIC_NMI:
		return LAPIC_DO_NMI;
	case LAPIC_SMI:
		return LAPIC_DO_SMI;
	case LAPIC_INIT:
		return LAPIC_DO_INIT;
	default:
		return 0;
	}
}

/* ---- To the processor ---- */

u32 lapic_ppr(const struct lapic *apic)
{
	int vector = map_highest(apic, LAPIC_ISR);
	u32 served = vector < 0 ? 0 : vector & 0xf0;
	u32 tpr = get(apic, LAPIC_TPR);

	return (tpr & 0xf0) >= served ? tpr : served;
}

int lapic_pending(const struct lapic *apic)
{
	int vector;

	if (!lapic_enabled(apic))
		return -1;
	vector = map_highest(apic, LAPIC_IRR);
	return vector >= 0 && (vector & 0xf0U) > (lapic_ppr(apic) & 0xf0) ? vector : -1;
}

void lapic_accept(struct lapic *apic, u8 vector)
{
	map_set(apic, LAPIC_IRR, vector, false);
	map_set(apic, LAPIC_ISR, vector, true);
}

u32 lapic_held_by_tpr(const struct lapic *apic)
{
	int irr = map_highest(apic, LAPIC_IRR) >> 4, isr;
	int tpr = get(apic, LAPIC_TPR) >> 4;

	if (irr < 0)
		return 0;
	isr = map_highest(apic, LAPIC_ISR) >> 4;
	return lapic_enabled(apic) && irr > isr && irr <= tpr ? irr : 0;
}

u16 lapic_intr_status(const struct lapic *apic)
{
	int irr = map_highest(apic, LAPIC_IRR), isr = map_highest(apic, LAPIC_ISR);

	return (irr > 0 ? irr : 0) | (isr > 0 ? isr : 0) << 8;
}

u64 lapic_eoi_reports(const struct lapic *apic, unsigned int word)
{
	const u32 tmr = LAPIC_TMR + word * 32;

	if (get(apic, LAPIC_SVR) & SVR_NO_EOI)
		return 0;
	return get(apic, tmr) | (u64)get(apic, tmr + 16) << 32;
}

bool lapic_msr_is_plain(u32 offset)
{
	return find_row(offset, XR) && offset != LAPIC_PPR && offset != LAPIC_ICR &&
	       offset != LAPIC_TIMER_CURRENT;
}

static int end_of_interrupt(struct lapic *apic)
{
	int vector = map_highest(apic, LAPIC_ISR);

	if (vector < 0)
		return 0;
	map_set(apic, LAPIC_ISR, vector, false);
	if (!map_test(apic, LAPIC_TMR, vector) || (get(apic, LAPIC_SVR) & SVR_NO_EOI))
		return 0;
	apic->eoi = vector;
	return LAPIC_DO_EOI;
}

void lapic_write_cr8(struct lapic *apic, u64 value)
{
	set(apic, LAPIC_TPR, (value & 0xf) << 4);
}

bool lapic_takes_extint(const struct lapic *apic)
{
	u32 lint0 = get(apic, LAPIC_LVT_LINT0);

	/* Disabled it is as if there were none, and the pin the processor's INTR. */
	if (!lapic_enabled(apic))
		return true;
	return !(lint0 & MASKED) && (lint0 & MODE) >> MODE_SHIFT == LAPIC_EXTINT;
}

/* ---- The timer ---- */

static u64 timer_period(const struct lapic *apic)
{
	return (u64)get(apic, LAPIC_TIMER_INITIAL) << apic->timer_shift;
}

static u32 timer_current(const struct lapic *apic, u64 now)
{
	u32 initial = get(apic, LAPIC_TIMER_INITIAL);
	u64 counted = (now - apic->began) >> apic->timer_shift;

	if (!apic->counting)
		return 0;
	if (apic->timer_mode == TIMER_PERIODIC)
		return initial - counted % initial;
	return counted < initial ? initial - counted : 0;
}

static int timer_start(struct lapic *apic, u64 now)
{
	apic->began = now;
	apic->counting = get(apic, LAPIC_TIMER_INITIAL) != 0;
	return LAPIC_DO_TIMER;
}

enum lapic_timer_kind lapic_timer_next(const struct lapic *apic, u64 *when)
{
	if (!lapic_enabled(apic))
		return LAPIC_TIMER_OFF;
	if (apic->timer_mode == TIMER_DEADLINE) {
		*when = apic->deadline;
		return apic->deadline ? LAPIC_TIMER_TSC : LAPIC_TIMER_OFF;
	}
	*when = apic->began + timer_period(apic);
	return apic->counting ? LAPIC_TIMER_TICKS : LAPIC_TIMER_OFF;
}

int lapic_timer_ended(struct lapic *apic, u64 now)
{
	u64 period = timer_period(apic);

	if (apic->timer_mode == TIMER_DEADLINE)
		apic->deadline = 0;
	else if (apic->timer_mode == TIMER_PERIODIC && period)
		/* Ends that nobody saw in time are one. */
		apic->began += (now - apic->began) / period * period;
	else
		apic->counting = false;
	return lapic_local(apic, LAPIC_LVT_TIMER) | LAPIC_DO_TIMER;
}

int lapic_write_deadline(struct lapic *apic, u64 value)
{
	if (apic->timer_mode != TIMER_DEADLINE)
		return 0;
	apic->deadline = value;
	return LAPIC_DO_TIMER;
}

/* A count that goes on does so from where it is, at the new rate. */
static int write_divide(struct lapic *apic, u32 value, u64 now)
{
	u32 initial = get(apic, LAPIC_TIMER_INITIAL), left = timer_current(apic, now);

	set(apic, LAPIC_TIMER_DIVIDE, value);
	apic->timer_shift = divide_shift(value);
	if (!apic->counting)
		return 0;
	apic->began = now - ((u64)(initial - left) << apic->timer_shift);
	return LAPIC_DO_TIMER;
}

/* ---- Writes ---- */

static void mask_lvts(struct lapic *apic)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		set(apic, lvts[i], get(apic, lvts[i]) | MASKED);
}

/* Software-disabled, every LVT stays masked. */
static u32 lvt_value(const struct lapic *apic, u32 value)
{
	return software_enabled(apic) ? value : value | MASKED;
}

static int write_lvt_timer(struct lapic *apic, u32 value)
{
	u32 before = apic->timer_mode;

	set(apic, LAPIC_LVT_TIMER, lvt_value(apic, value));
	apic->timer_mode = value & TIMER_MODE;
	/* "TSC-Deadline Mode": a change from or to it disarms the timer. */
	if ((before ^ apic->timer_mode) & TIMER_DEADLINE) {
		apic->deadline = 0;
		apic->counting = false;
		set(apic, LAPIC_TIMER_INITIAL, 0);
	}
	return LAPIC_DO_TIMER;
}

bool lapic_message_valid(const struct lapic_message *message)
{
	switch (message->shorthand) {
	case LAPIC_TO_SELF:
	case LAPIC_TO_ALL:
		return message->mode == LAPIC_FIXED;
	default:
		return message->mode != LAPIC_MODE_3 && message->mode != LAPIC_EXTINT &&
		       !message->deassert;
	}
}

static bool has_vector(const struct lapic_message *message)
{
	return message->mode == LAPIC_FIXED || message->mode == LAPIC_LOWEST;
}

/* "Interrupt Command Register": an illegal vector is an error and sends nothing. */
static int write_icr(struct lapic *apic, u32 value)
{
	struct lapic_message message;

	set(apic, LAPIC_ICR, value);
	message = lapic_ipi(apic);
	if (has_vector(&message) && message.vector < LAPIC_FIRST_VECTOR)
		return raise_error(apic, LAPIC_ERROR_SEND_ILLEGAL);
	return lapic_message_valid(&message) ? LAPIC_DO_IPI : 0;
}

static int write_self_ipi(struct lapic *apic, u8 vector)
{
	if (vector < LAPIC_FIRST_VECTOR)
		return raise_error(apic, LAPIC_ERROR_SEND_ILLEGAL);
	return lapic_receive(apic, vector, false);
}

/* @value has no reserved bits. */
static int write_register(struct lapic *apic, u32 offset, u32 value, u64 now)
{
	switch (offset) {
	case LAPIC_EOI:
		set(apic, offset, 0);
		return end_of_interrupt(apic);
	case LAPIC_DFR:
		set(apic, offset, value | DFR_RESERVED);
		return 0;
	case LAPIC_SVR:
		set(apic, offset, value);
		if (!(value & SVR_ENABLED))
			mask_lvts(apic);
		return 0;
	case LAPIC_ESR:
		set(apic, offset, apic->errors);
		apic->errors = 0;
		return 0;
	case LAPIC_ICR:
		return write_icr(apic, value);
	case LAPIC_LVT_TIMER:
		return write_lvt_timer(apic, value);
	case LAPIC_LVT_THERMAL:
	case LAPIC_LVT_PERF:
	case LAPIC_LVT_LINT0:
	case LAPIC_LVT_LINT1:
	case LAPIC_LVT_ERROR:
		set(apic, offset, lvt_value(apic, value));
		return 0;
	case LAPIC_TIMER_INITIAL:
		/* "TSC-Deadline Mode": ignored. */
		if (apic->timer_mode == TIMER_DEADLINE) {
			set(apic, offset, 0);
			return 0;
		}
		set(apic, offset, value);
		return timer_start(apic, now);
	case LAPIC_TIMER_DIVIDE:
		return write_divide(apic, value, now);
	case LAPIC_SELF_IPI:
		return write_self_ipi(apic, value);
	default:
		set(apic, offset, value);
		return 0;
	}
}

static u32 read_register(const struct lapic *apic, u32 offset, u64 now)
{
	switch (offset) {
	case LAPIC_PPR:
		return lapic_ppr(apic);
	case LAPIC_TIMER_CURRENT:
		return timer_current(apic, now);
	default:
		return get(apic, offset);
	}
}

u32 lapic_read(struct lapic *apic, u32 offset, u64 now, int *todo)
{
	*todo = 0;
	if (find_row(offset, R))
		return read_register(apic, offset, now);
	/* Writing it is allowed, so it is a register; there is just nothing to read. */
	if (!find_row(offset, W))
		*todo = raise_error(apic, LAPIC_ERROR_REGISTER);
	return 0;
}

int lapic_write(struct lapic *apic, u32 offset, u32 value, u64 now)
{
	const struct reg_row *row = find_row(offset, W);

	if (row)
		return write_register(apic, offset, value & row->bits, now);
	return find_row(offset, R) ? 0 : raise_error(apic, LAPIC_ERROR_REGISTER);
}

int lapic_read_msr(struct lapic *apic, u32 offset, u64 now, u64 *value)
{
	if (!lapic_x2apic(apic) || !find_row(offset, XR))
		return -EINVAL;
	*value = read_register(apic, offset, now);
	if (offset == LAPIC_ICR)
		*value |= (u64)get(apic, LAPIC_ICR_HIGH) << 32;
	return 0;
}

int lapic_write_msr(struct lapic *apic, u32 offset, u64 value, u64 now)
{
	const struct reg_row *row = find_row(offset, XW);
	u64 high = offset == LAPIC_ICR ? value >> 32 : 0;

	if (!lapic_x2apic(apic) || !row ||
	    ((value ^ high << 32) & ~(u64)(row->bits | row->ignored)))
		return -EINVAL;
	if (offset == LAPIC_ICR)
		set(apic, LAPIC_ICR_HIGH, high);
	return write_register(apic, offset, value & row->bits, now);
}

/* ---- Messages ---- */

struct lapic_message lapic_ipi(const struct lapic *apic)
{
	u32 icr = get(apic, LAPIC_ICR), high = get(apic, LAPIC_ICR_HIGH);
	bool wide = lapic_x2apic(apic);
	u8 mode = (icr & MODE) >> MODE_SHIFT;

	/* Level-triggered IPIs are delivered as edge-triggered ones. */
	return (struct lapic_message) {
		.mode = mode,
		.vector = icr & VECTOR,
		.deassert = mode == LAPIC_INIT && (icr & LEVEL) && !(icr & ASSERT),
		.logical = icr & LOGICAL,
		.wide = wide,
		.shorthand = (icr & SHORTHAND) >> SHORTHAND_SHIFT,
		.dest = wide ? high : high >> 24,
	};
}

struct lapic_message lapic_msi(u64 address, u32 data)
{
	return (struct lapic_message) {
		.mode = (data & MODE) >> MODE_SHIFT,
		.vector = data & VECTOR,
		.level = data & LEVEL,
		.logical = address & (1U << 2),
		.dest = address >> 12 & 0xff,
	};
}

static bool matches_physical(const struct lapic *apic, const struct lapic_message *message)
{
	if (message->dest == (message->wide ? 0xffffffff : 0xff))
		return true;
	if (lapic_x2apic(apic))
		return message->dest == apic->id;
	return message->dest == get(apic, LAPIC_ID) >> 24;
}

/* "Logical Destination Mode" and the section on x2APIC mode's. */
static bool matches_logical(const struct lapic *apic, const struct lapic_message *message)
{
	u32 ldr = get(apic, LAPIC_LDR), dest = message->dest;

	if (dest == (message->wide ? 0xffffffff : 0xff))
		return true;
	if (lapic_x2apic(apic))
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	/* An 8-bit id cannot be meant by more than 8 bits. */
	if (dest > 0xff)
		return false;
	ldr >>= 24;
	switch (get(apic, LAPIC_DFR) >> 28) {
	case DFR_FLAT:
		return dest & ldr;
	case DFR_CLUSTER:
		return (dest >> 4 == 0xf || dest >> 4 == ldr >> 4) && (dest & ldr & 0xf);
	default:
		return false;
	}
}

bool lapic_matches(const struct lapic *apic, const struct lapic *from,
		   const struct lapic_message *message)
{
	if (!lapic_enabled(apic))
		return false;
	switch (message->shorthand) {
	case LAPIC_TO_SELF:
		return apic == from;
	case LAPIC_TO_ALL:
		return true;
	case LAPIC_TO_OTHERS:
		return apic != from;
	default:
		return message->logical ? matches_logical(apic, message) :
					  matches_physical(apic, message);
	}
}

/* ---- The whole state ---- */

void lapic_get_state(const struct lapic *apic, u32 *regs, u64 now)
{
	memcpy(regs, apic->regs, LAPIC_STATE_SIZE);
	regs[LAPIC_PPR / 4] = lapic_ppr(apic);
	regs[LAPIC_TIMER_CURRENT / 4] = timer_current(apic, now);
}

static void set_map(struct lapic *apic, u32 map, const u32 *regs)
{
	int i;

	for (i = 0; i < 8; i++)
		set(apic, map + i * 16, regs[map / 4 + i * 4]);
	/* Illegal vectors are never in it. */
	set(apic, map, get(apic, map) & ~0xffffU);
}

static void set_timer(struct lapic *apic, u32 left, u64 now)
{
	u32 initial;

	if (apic->timer_mode == TIMER_DEADLINE)
		set(apic, LAPIC_TIMER_INITIAL, 0);
	initial = get(apic, LAPIC_TIMER_INITIAL);
	apic->counting = left && initial;
	left = left < initial ? left : initial;
	apic->began = now - ((u64)(initial - left) << apic->timer_shift);
}

int lapic_set_state(struct lapic *apic, const u32 *regs, u64 base, unsigned int physical_bits,
		    u64 now)
{
	const struct reg_row *row;

	if (!base_valid(base, physical_bits) ||
	    (base & (LAPIC_BASE_ENABLED | LAPIC_BASE_X2APIC)) == LAPIC_BASE_X2APIC)
		return -EINVAL;
	apic->base = base;
	reset_registers(apic);
	for (row = reg_rows; row < reg_rows + ARRAY_SIZE(reg_rows); row++)
		if (row->nr == 8)
			set_map(apic, row->offset, regs);
		else if (row->bits && (row->access & R))
			set(apic, row->offset, regs[row->offset / 4] & row->bits);
	set(apic, LAPIC_DFR, get(apic, LAPIC_DFR) | DFR_RESERVED);
	set(apic, LAPIC_ESR, regs[LAPIC_ESR / 4] & 0xff);
	if (lapic_x2apic(apic))
		set(apic, LAPIC_ICR_HIGH, regs[LAPIC_ICR_HIGH / 4]);
	if (!software_enabled(apic))
		mask_lvts(apic);
	set_ids(apic, get(apic, LAPIC_ID));
	apic->timer_mode = get(apic, LAPIC_LVT_TIMER) & TIMER_MODE;
	apic->timer_shift = divide_shift(get(apic, LAPIC_TIMER_DIVIDE));
	set_timer(apic, regs[LAPIC_TIMER_CURRENT / 4], now);
	return 0;
}
