// SPDX-License-Identifier: GPL-2.0
/* Lab 6: devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disk.h"
#include "long.h"
#include "uart.h"

const int lab = 6;

#define MMIO	0x10000000	/* where the devices are; no memory */
#define COM1	0x3f8
#define LOG	(LONG_DATA + 0x1000)
#define BUFFER	(LONG_DATA + 0x10000)

static struct irqs irqs;
static struct bus bus;

static void new_guest(struct vm *vm, struct vcpu *vcpu)
{
	new_long(vm, vcpu, 0);
	/* 2M at MMIO to themselves, in the student's page directory. */
	((uint64_t *)(vm->mem + LONG_TABLES + 2 * 4096))[MMIO >> 21] = MMIO | 0x83;
	long_log(vcpu, LOG);
	irq_init(&irqs, vcpu);
	memset(&bus, 0, sizeof(bus));
}

static void expect_halt(const char *where)
{
	int ret = bus_run(&bus, &irqs);

	need(ret == MINIVMX_EXIT_HLT, "%s: bus_run() instead of that: %s; MINIVMX_EXIT_HLT was due",
	     where, exit_text(irqs.vcpu, ret));
}

/* ---- The bus ---- */

struct seen {
	uint64_t offset, value, answer;
	unsigned int size, reads, writes, bytes;
};

static uint64_t seen_read(void *arg, uint64_t offset, unsigned int size)
{
	struct seen *seen = arg;

	seen->offset = offset;
	seen->size = size;
	seen->reads++;
	return seen->answer;
}

static void seen_write(void *arg, uint64_t offset, unsigned int size, uint64_t value)
{
	struct seen *seen = arg;

	seen->offset = offset;
	seen->size = size;
	seen->value = value;
	seen->writes++;
	seen->bytes = seen->bytes * 31 + value;
}

static struct device device_at(struct seen *seen, bool is_memory, uint64_t base, uint64_t size)
{
	return (struct device) {
		.base = base, .size = size, .is_memory = is_memory,
		.read = seen_read, .write = seen_write, .arg = seen,
	};
}

static void expect_add(int due, struct seen *seen, bool is_memory, uint64_t base, uint64_t size)
{
	const struct device device = device_at(seen, is_memory, base, size);
	int ret = bus_add(&bus, &device);
	char text[64];

	strcpy(text, errno_text(due));
	need(ret == due, "bus_add() of %#llx %s from %#llx on returned %s, not %s",
	     (unsigned long long)size, is_memory ? "addresses" : "ports", (unsigned long long)base,
	     errno_text(ret), text);
}

GUEST64(accesses,
	"mov %r8d, %edx; out %eax, (%dx); in (%dx), %al; mov %rax, %r13;"
	"mov %rbx, 8(%rdi); movzwl 2(%rdi), %r14d; mov $-1, %eax; mov %r9d, %edx; in (%dx), %ax; hlt");
GUEST64(strings, "cld; rep outsb; hlt");

static void bus_item(void)
{
	const uint16_t port = pick_from(0x100, 0x7000);
	const uint32_t eax = pick(), count = pick_from(20, 200);
	struct seen ports = { .answer = pick() }, memory = { .answer = pick() };
	const uint64_t rbx = pick();
	struct vcpu vcpu;
	unsigned int sum = 0, i;
	struct vm vm;

	new_guest(&vm, &vcpu);
	expect_add(0, &ports, false, port, 4);
	expect_add(0, &memory, true, MMIO, 0x100);
	expect_add(-EEXIST, &ports, false, port + 3, 1);
	expect_add(-EEXIST, &memory, true, MMIO - 8, 9);
	expect_add(-EINVAL, &ports, false, 0xffff, 2);
	expect_add(-EINVAL, &ports, true, MMIO * 2, 0);
	/* The same number is another thing: a port and an address. */
	expect_add(0, &memory, true, port, 4);

	vcpu.run->regs.rax = eax;
	vcpu.run->regs.rbx = rbx;
	vcpu.run->regs.rdi = MMIO + 0x10;
	vcpu.run->regs.r8 = port;
	vcpu.run->regs.r9 = port + 4;
	LONG_CODE_IS(&vcpu, accesses);
	expect_halt("OUT, IN, a MOV to and one from a device's memory, and IN of another port");
	need(ports.writes == 1 && ports.value == eax,
	     "OUT of %#x by EAX came to the device %u times, and the last time as %#llx", eax,
	     ports.writes, (unsigned long long)ports.value);
	need(ports.reads == 1 && ports.size == 1 && ports.offset == 0 &&
	     (vcpu.run->regs.r13 & 0xff) == (ports.answer & 0xff),
	     "IN to AL did not get the device's answer");
	need(memory.writes == 1 && memory.value == rbx,
	     "a MOV of 64 bits to the device came as %#llx, not %#llx",
	     (unsigned long long)memory.value, (unsigned long long)rbx);
	need(memory.reads == 1 && memory.size == 2 && memory.offset == 0x12 &&
	     vcpu.run->regs.r14 == (memory.answer & 0xffff),
	     "MOVZX of 16 bits did not get the device's answer");
	need((vcpu.run->regs.rax & 0xffff) == 0xffff,
	     "IN of a port without a device is to find ones");

	for (i = 0; i < count; i++) {
		vm.mem[BUFFER + i] = pick();
		sum = sum * 31 + vm.mem[BUFFER + i];
	}
	ports.bytes = ports.writes = 0;
	vcpu.run->regs.rdx = port;
	vcpu.run->regs.rsi = BUFFER;
	vcpu.run->regs.rcx = count;
	LONG_CODE_IS(&vcpu, strings);
	expect_halt("REP OUTSB");
	need(ports.writes == count && ports.bytes == sum,
	     "REP OUTSB of %u bytes came to the device as %u writes, or as other bytes",
	     count, ports.writes);
	end_vm(&vm, &vcpu);
}

/* ---- The serial port ---- */

static char sent[256];
static unsigned int nr_sent;

static void send(void *arg, uint8_t byte)
{
	if (nr_sent < sizeof(sent))
		sent[nr_sent] = byte;
	nr_sent++;
}

static struct uart uart;

static void new_uart(uint8_t vector)
{
	int ret;

	uart = (struct uart) { .irqs = &irqs, .vector = vector, .send = send };
	nr_sent = 0;
	ret = uart_init(&uart, &bus, COM1);
	need(!ret, "uart_init() returned %s", errno_text(ret));
}

/* As a driver does: wait for "transmitter holding register empty". */
GUEST64(prints, "1: mov $0x3fd, %edx; in (%dx), %al; test $0x20, %al; jz 1b;"
	"mov $0x3f8, %edx; lodsb; out %al, (%dx); dec %ecx; jnz 1b; hlt");
/* Wait for "data ready", until a zero comes. */
GUEST64(hears, "1: mov $0x3fd, %edx; in (%dx), %al; test $1, %al; jnz 2f; out %al, $0x80; jmp 1b;"
	"2: mov $0x3f8, %edx; in (%dx), %al; stosb; test %al, %al; jnz 1b; hlt");
/* The divisor is behind DLAB, and the scratch register keeps what it gets. */
GUEST64(registers,
	"mov $0x3fb, %edx; mov $0x80, %al; out %al, (%dx); mov $0x3f8, %edx; mov %bl, %al;"
	"out %al, (%dx); inc %edx; mov %bh, %al; out %al, (%dx); mov $0x3ff, %edx;"
	"mov %cl, %al; out %al, (%dx);"
	"xor %eax, %eax; mov $0x3f8, %edx; in (%dx), %al; mov %eax, %r13d; inc %edx; in (%dx), %al;"
	"mov %eax, %r14d; mov $0x3ff, %edx; in (%dx), %al; mov %eax, %r15d;"
	"mov $0x3fb, %edx; mov $3, %al; out %al, (%dx); mov $0x3f9, %edx; in (%dx), %al; hlt");

/* The guest asks for a byte by an OUT to port 80H: it gets the next then. */
static void next_byte(void *arg, uint64_t offset, unsigned int size, uint64_t value)
{
	const char **text = arg;

	if (uart_receive(&uart, **text) && **text)
		(*text)++;
}

static uint64_t no_byte(void *arg, uint64_t offset, unsigned int size)
{
	return 0;
}

static void uart_item(void)
{
	struct device feeder = { .base = 0x80, .size = 1, .read = no_byte, .write = next_byte };
	const unsigned int length = pick_from(5, 40);
	const uint16_t divisor = pick();
	const uint8_t scratch = pick();
	char text[64] = { 0 };
	const char *next = text;
	struct vcpu vcpu;
	unsigned int i;
	struct vm vm;

	new_guest(&vm, &vcpu);
	new_uart(0x40);
	for (i = 0; i < length; i++)
		text[i] = pick_from('!', '~');
	memcpy(vm.mem + BUFFER, text, length);
	vcpu.run->regs.rsi = BUFFER;
	vcpu.run->regs.rcx = length;
	LONG_CODE_IS(&vcpu, prints);
	expect_halt("a guest that prints");
	need(nr_sent == length && !memcmp(sent, text, length),
	     "the guest printed \"%s\", and send() got %u bytes: \"%.*s\"", text, nr_sent,
	     (int)sizeof(sent) - 1, sent);

	feeder.arg = &next;
	must(!bus_add(&bus, &feeder));
	vcpu.run->regs.rdi = BUFFER + 0x100;
	LONG_CODE_IS(&vcpu, hears);
	expect_halt("a guest that reads until a zero comes");
	need(!memcmp(vm.mem + BUFFER + 0x100, text, length + 1),
	     "it has read \"%.60s\", not \"%s\"",
	     vm.mem + BUFFER + 0x100, text);

	vcpu.run->regs.rbx = divisor;
	vcpu.run->regs.rcx = scratch;
	LONG_CODE_IS(&vcpu, registers);
	expect_halt("a guest that writes and reads registers");
	need(vcpu.run->regs.r13 == (divisor & 0xff) && (vcpu.run->regs.r14 & 0xff) == divisor >> 8,
	     "with DLAB 1 the divisor was written as %#x and read as %#llx and %#llx", divisor,
	     (unsigned long long)vcpu.run->regs.r13, (unsigned long long)vcpu.run->regs.r14 & 0xff);
	need((vcpu.run->regs.r15 & 0xff) == scratch,
	     "the scratch register is another than was written");
	need(!(vcpu.run->regs.rax & 0xff),
	     "with DLAB 0 the interrupt enable register is %#llx, not 0",
	     (unsigned long long)vcpu.run->regs.rax & 0xff);
	need(nr_sent == length, "a write to the divisor was sent as a byte");
	end_vm(&vm, &vcpu);
}

/* Enable interrupts of the receiver, wait for one, read IIR, the byte, and IIR again. */
GUEST64(waits, "mov $0x3f9, %edx; mov %bl, %al; out %al, (%dx); out %al, $0x80;"
	"1: cli; cmp %r12, %r13; jne 2f; sti; hlt; jmp 1b;"
	"2: xor %eax, %eax; mov $0x3fa, %edx; in (%dx), %al; mov %eax, %r14d;"
	"mov $0x3f8, %edx; in (%dx), %al; mov %eax, %r15d; mov $0x3fa, %edx; in (%dx), %al; hlt");

static void uart_irq(void)
{
	struct device feeder = { .base = 0x80, .size = 1, .read = no_byte, .write = next_byte };
	const uint8_t vector = pick_from(32, 255);
	char text[2] = { pick_from('!', '~'), 0 };
	const char *next = text;
	struct vcpu vcpu;
	struct vm vm;

	new_guest(&vm, &vcpu);
	new_uart(vector);
	/* None is enabled: none comes. */
	need(uart_receive(&uart, 'x'), "uart_receive() had no room for the first byte");
	need(!uart_receive(&uart, 'y'), "uart_receive() had room for a second byte");
	feeder.arg = &next;
	must(!bus_add(&bus, &feeder));
	need(!irqs.pending[0] && !irqs.pending[1] && !irqs.pending[2] && !irqs.pending[3],
	     "an interrupt is posted though the interrupt enable register is 0");
	uart.has_rx = false;
	vcpu.run->regs.rbx = 1;
	vcpu.run->regs.r13 = LOG;
	LONG_CODE_IS(&vcpu, waits);
	expect_halt("a guest that waits for the serial port's interrupt");
	need(vcpu.run->regs.r12 == LOG + 1 && vm.mem[LOG] == vector,
	     "the interrupt was of vector %#x, not %#x, or came %llu times", vm.mem[LOG], vector,
	     (unsigned long long)vcpu.run->regs.r12 - LOG);
	need(vcpu.run->regs.r14 == 4, "IIR was %#llx, and 0x4 says that there is a byte",
	     (unsigned long long)vcpu.run->regs.r14);
	need((vcpu.run->regs.r15 & 0xff) == (uint8_t)text[0],
	     "the byte is another than was received");
	need((vcpu.run->regs.rax & 0xff) == 1,
	     "IIR is %#llx after the byte was read; 0x1 says that nothing is left",
	     (unsigned long long)vcpu.run->regs.rax & 0xff);
	end_vm(&vm, &vcpu);
}

/* ---- The disk ---- */

#define SECTORS	64

static struct disk disk;
static uint8_t content[SECTORS * 512];

static void new_disk(struct vm *vm, uint8_t vector)
{
	int file = memfd_create("disk", MFD_CLOEXEC), ret;
	unsigned int i;

	for (i = 0; i < sizeof(content); i += 8)
		memcpy(content + i, &(uint64_t) { pick() }, 8);
	must(file >= 0 && write(file, content, sizeof(content)) == sizeof(content));
	disk = (struct disk) { .vm = vm, .irqs = &irqs, .vector = vector, .file = file };
	ret = disk_init(&disk, &bus, MMIO);
	need(!ret, "disk_init() returned %s", errno_text(ret));
}

/* A driver: RBX the registers, ESI sector, ECX count, EDI address, EAX command. */
GUEST64(driver, "mov %r12, %r13; mov %esi, 8(%rbx); mov %ecx, 0xc(%rbx); mov %edi, 0x10(%rbx);"
	"mov %eax, 0x18(%rbx); movl $1, 0x20(%rbx);"
	"1: cli; cmp %r12, %r13; jne 2f; sti; hlt; jmp 1b;"
	"2: mov 0x14(%rbx), %eax; mov (%rbx), %ecx; mov 4(%rbx), %edx; hlt");

/* Returns the status that the guest has read. */
static uint32_t command(struct vcpu *vcpu, uint32_t what, uint32_t sector, uint32_t count,
			uint32_t address)
{
	vcpu->run->regs.rbx = MMIO;
	vcpu->run->regs.rsi = sector;
	vcpu->run->regs.rcx = count;
	vcpu->run->regs.rdi = address;
	vcpu->run->regs.rax = what;
	vcpu->run->regs.rflags = 2;
	LONG_CODE_IS(vcpu, driver);
	expect_halt("a guest that gives the disk a command, and waits for the interrupt");
	return vcpu->run->regs.rax;
}

static void expect_transfers(struct vm *vm, struct vcpu *vcpu)
{
	const uint32_t sector = pick_from(0, SECTORS - 8), count = pick_from(1, 4);
	uint8_t back[512 * 4];
	uint32_t status;
	unsigned int i;

	status = command(vcpu, DISK_READ, sector, count, BUFFER);
	need(status == DISK_DONE, "a read of %u sectors has status %u", count, status);
	need((uint32_t)vcpu->run->regs.rcx == DISK_MAGIC && vcpu->run->regs.rdx == SECTORS,
	     "the registers say that it is %#llx, of %llu sectors",
	     (unsigned long long)vcpu->run->regs.rcx, (unsigned long long)vcpu->run->regs.rdx);
	need(!memcmp(vm->mem + BUFFER, content + sector * 512, count * 512),
	     "the guest has read other bytes than are on the disk");
	need(!vm->mem[BUFFER + count * 512], "more was read than %u sectors", count);
	for (i = 0; i < count * 512; i++)
		vm->mem[BUFFER + i] = pick();
	status = command(vcpu, DISK_WRITE, sector + 4, count, BUFFER);
	need(status == DISK_DONE, "a write of %u sectors has status %u", count, status);
	must(pread(disk.file, back, count * 512, (sector + 4) * 512) == (ssize_t)count * 512);
	need(!memcmp(back, vm->mem + BUFFER, count * 512),
	     "the disk has other bytes than were written");
	need(vm->mem[LOG] == disk.vector, "the interrupt was of vector %#x, not %#x", vm->mem[LOG],
	     disk.vector);
}

static void disk_item(void)
{
	struct vcpu vcpu;
	struct vm vm;

	new_guest(&vm, &vcpu);
	new_disk(&vm, pick_from(32, 255));
	expect_transfers(&vm, &vcpu);
	disk_destroy(&disk);
	end_vm(&vm, &vcpu);
}

struct wild {
	uint32_t what, sector, count, address;
};

static void hostile(void)
{
	static const struct wild wild[] = {
		{ DISK_READ, SECTORS, 1, BUFFER },
		{ DISK_READ, SECTORS - 1, 2, BUFFER },
		{ DISK_WRITE, SECTORS - 1, 2, BUFFER },
		{ DISK_READ, 1, 0xffffffff, BUFFER },
		{ DISK_READ, 0xffffffff, 2, BUFFER },
		{ DISK_READ, 0, 1, LONG_SIZE - 511 },
		{ DISK_WRITE, 0, 1, 0xffffff00 },
		{ DISK_WRITE, 0, 8, LONG_SIZE },
		{ DISK_WRITE, 0, 0, BUFFER },
		{ 3, 0, 1, BUFFER },
		{ 0, 0, 1, BUFFER },
	};
	uint8_t back[sizeof(content)];
	struct vcpu vcpu;
	unsigned int i;
	struct vm vm;

	new_guest(&vm, &vcpu);
	new_disk(&vm, 0x50);
	/* What is behind the memory in this process. If there is something already, so be it. */
	mmap(vm.mem + LONG_SIZE, 8192, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	for (i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		const struct wild *w = &wild[i];
		uint32_t status = command(&vcpu, w->what, w->sector, w->count, w->address);

		need(status == DISK_ERROR,
		     "command %u of %u sectors from %u on, address %#x, has status %u; DISK_ERROR was due",
		     w->what, w->count, w->sector, w->address, status);
		need(lseek(disk.file, 0, SEEK_END) == sizeof(back) &&
		     pread(disk.file, back, sizeof(back), 0) == sizeof(back) &&
		     !memcmp(back, content, sizeof(content)),
		     "a command that failed has changed the disk");
	}
	disk_destroy(&disk);
	end_vm(&vm, &vcpu);
}

static void worker(void)
{
	unsigned int descriptors;
	struct vcpu vcpu;
	uint64_t exits;
	struct vm vm;
	int ret;

	new_guest(&vm, &vcpu);
	new_disk(&vm, pick_from(32, 255));
	descriptors = open_descriptors();
	ret = disk_use_worker(&disk);
	need(!ret, "disk_use_worker() returned %s", errno_text(ret));
	exits = exits_to_user(&vcpu, REASON_EPT_VIOLATION);
	expect_transfers(&vm, &vcpu);
	/* Each command is four registers written and three read. */
	exits = exits_to_user(&vcpu, REASON_EPT_VIOLATION) - exits;
	need(exits == 2 * 7,
	     "two commands made %llu exits to the program by device memory, not %u: "
	     "does the doorbell still return from RUN?", (unsigned long long)exits, 2 * 7);
	disk_destroy(&disk);
	need(open_descriptors() == descriptors, "after disk_destroy() %d more descriptors are open",
	     (int)(open_descriptors() - descriptors));
	end_vm(&vm, &vcpu);
}

const struct item items[] = {
	{ "bus", "accesses find their device", 2, .grade = bus_item },
	{ "uart", "a guest prints and reads", 2, .grade = uart_item },
	{ "uart-irq", "and is told when there is a byte", 1, .seconds = 1, .grade = uart_irq },
	{ "disk", "sectors are read and written", 2, .seconds = 1, .grade = disk_item },
	{ "hostile", "what cannot be is an error", 1, .seconds = 2, .grade = hostile },
	{ "worker", "a thread does the work, without an exit for the doorbell", 2, .seconds = 1,
	  .grade = worker },
	{ 0 }
};
