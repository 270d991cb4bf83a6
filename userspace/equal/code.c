// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "array.h"
#include "code.h"

extern const uint8_t equal_support[];

#define OPERAND_SIZE	0x66
#define ADDRESS_SIZE	0x67
#define REX		0x40
#define REX_W		8
#define REX_R		4
#define REX_B		1

const char *equal_mode_name(enum equal_mode mode)
{
	static const char *const names[EQUAL_MODES] = {
		"real", "protected", "32-bit paging", "PAE", "64-bit", "compatibility",
	};

	return names[mode];
}

uint32_t code_support(const uint8_t *label)
{
	return (uint32_t)(EQUAL_SUPPORT + (label - equal_support));
}

/* ---- Chance ---- */

uint32_t code_below(struct equal_code *code, uint32_t n)
{
	return random_below(&code->random, n);
}

uint64_t code_value(struct equal_code *code)
{
	static const uint64_t edges[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000, 0x7fffffffffff, 0x800000000000, 0xffff800000000000,
		0x7fffffffffffffff, 0x8000000000000000, ~0ULL, ~1ULL,
	};

	switch (code_below(code, 4)) {
	case 0:
		return random_next(&code->random);
	case 1:
		return code_data(code);
	default:
		return edges[code_below(code, ARRAY_SIZE(edges))];
	}
}

unsigned int code_reg(struct equal_code *code)
{
	unsigned int reg = code_below(code, code->mode == EQUAL_LONG ? 16 : 8);

	return reg == RSP ? RAX : reg;
}

unsigned int code_low_reg(struct equal_code *code)
{
	return code_below(code, 4);
}

uint32_t code_data(struct equal_code *code)
{
	return EQUAL_DATA + code_below(code, EQUAL_DATA_SIZE - 64);
}

/* ---- Bytes ---- */

uint32_t code_address(const struct equal_code *code)
{
	return (uint32_t)(EQUAL_CODE + code->nr);
}

void put8(struct equal_code *code, unsigned int value)
{
	if (code->nr < sizeof(code->bytes))
		code->bytes[code->nr++] = (uint8_t)value;
}

void put16(struct equal_code *code, unsigned int value)
{
	put8(code, value);
	put8(code, value >> 8);
}

void put32(struct equal_code *code, uint32_t value)
{
	put16(code, value);
	put16(code, value >> 16);
}

void put64(struct equal_code *code, uint64_t value)
{
	put32(code, (uint32_t)value);
	put32(code, (uint32_t)(value >> 32));
}

void put_bytes(struct equal_code *code, const char *bytes, size_t size)
{
	while (size--)
		put8(code, (uint8_t)*bytes++);
}

/* ---- Instructions ---- */

void put_prefix(struct equal_code *code, enum operand operand, unsigned int reg, unsigned int rm)
{
	unsigned int rex = (reg > 7 ? REX_R : 0) | (rm > 7 ? REX_B : 0);
	bool other = operand == OPERAND_ANY && !code_below(code, 3);

	if (operand == OPERAND_32)
		other = code->mode == EQUAL_REAL;
	if (other)
		put8(code, OPERAND_SIZE);
	if (code->mode != EQUAL_LONG)
		return;
	if (operand == OPERAND_ANY && code_below(code, 2))
		rex |= REX_W;
	if (rex)
		put8(code, REX | rex);
}

void put_modrm(struct equal_code *code, unsigned int reg, unsigned int rm)
{
	put8(code, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* "ModR/M and SIB Bytes": an address alone. In real mode one of 32 bits would do, too. */
void put_modrm_at(struct equal_code *code, unsigned int reg, uint32_t address)
{
	switch (code->mode) {
	case EQUAL_REAL:
		put8(code, (reg & 7) << 3 | 6);
		put16(code, address);
		return;
	case EQUAL_LONG:
		put8(code, (reg & 7) << 3 | 4);
		put8(code, 0x25);
		break;
	default:
		put8(code, (reg & 7) << 3 | 5);
	}
	put32(code, address);
}

unsigned int code_form_reg(struct equal_code *code, const struct code_form *form)
{
	if (form->digit >= 0)
		return (unsigned int)form->digit;
	return form->operand == OPERAND_8 ? code_low_reg(code) : code_reg(code);
}

void put_load(struct equal_code *code, unsigned int reg, uint32_t value)
{
	put_prefix(code, OPERAND_32, 0, reg);
	put8(code, 0xb8 | (reg & 7));
	put32(code, value);
}

void put_load64(struct equal_code *code, unsigned int reg, uint64_t value)
{
	if (code->mode != EQUAL_LONG) {
		put_load(code, reg, (uint32_t)value);
		return;
	}
	put8(code, REX | REX_W | (reg > 7 ? REX_B : 0));
	put8(code, 0xb8 | (reg & 7));
	put64(code, value);
}

void put_store_at(struct equal_code *code, unsigned int reg, uint32_t address)
{
	put_prefix(code, OPERAND_32, reg, 0);
	put8(code, 0x89);
	put_modrm_at(code, reg, address);
}

void put_load_at(struct equal_code *code, unsigned int reg, uint32_t address)
{
	put_prefix(code, OPERAND_32, reg, 0);
	put8(code, 0x8b);
	put_modrm_at(code, reg, address);
}

size_t put_store_constant(struct equal_code *code, uint32_t address, uint32_t value)
{
	put_prefix(code, OPERAND_32, 0, 0);
	put8(code, 0xc7);
	put_modrm_at(code, 0, address);
	put32(code, value);
	return code->nr - 4;
}

void code_patch(struct equal_code *code, size_t place, uint32_t value)
{
	memcpy(&code->bytes[place], &value, sizeof(value));
}

void put_return(struct equal_code *code, uint8_t opcode)
{
	size_t target;

	put8(code, 0x68);
	target = code->nr;
	put32(code, 0);
	if (code->mode == EQUAL_LONG)
		put8(code, 0x48);
	put8(code, opcode);
	code_patch(code, target, code_address(code));
}

static void put_near(struct equal_code *code, unsigned int opcode, uint32_t address)
{
	put8(code, opcode);
	if (code->mode == EQUAL_REAL)
		put16(code, address - (code_address(code) + 2));
	else
		put32(code, address - (code_address(code) + 4));
}

void put_jump(struct equal_code *code, uint32_t address)
{
	put_near(code, 0xe9, address);
}

void put_call(struct equal_code *code, uint32_t address)
{
	put_near(code, 0xe8, address);
}

void put_settle(struct equal_code *code)
{
	unsigned int reg = code_reg(code), rm = code_reg(code);

	put_prefix(code, OPERAND_ANY, reg, rm);
	put8(code, 0x39);
	put_modrm(code, reg, rm);
}

void put_out(struct equal_code *code, uint8_t port)
{
	put8(code, 0xe6);
	put8(code, port);
}
