/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a device is to the machine, and the machine to a device.
 *
 * A device is one file with one struct device_class, listed in table.c. The
 * machine calls it with its lock held, so a device needs no lock of its own;
 * a device calls back only through the machine_*() functions below, which
 * expect that lock. Devices never touch /dev/minivmx, never exit the process
 * and never block. (Those of ../virtio have threads and locks, see virtio.h.)
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

/* Ports @first to @last, both included. */
struct port_range {
	uint16_t first;
	uint16_t last;
};

#define NO_DEADLINE UINT64_MAX

/* Guest-physical addresses, likewise. */
struct mmio_range {
	uint64_t first;
	uint64_t last;
};

/**
 * struct device_class - one kind of device
 * @name: for messages and --help
 * @ports: the I/O ports it answers, ended by a range { 0, 0 }; NULL: none
 * @mmio: likewise, the memory that it answers
 * @dyn_ports: NULL, or returns further ranges, ended likewise, that depend on
 *             how the machine was set up (debug_exit.c). The machine asks once,
 *             after @create; the ranges live as long as @dev.
 * @create: allocate and reset; NULL with errno set on failure
 * @destroy: free
 * @reset: back to the power-on state
 * @in: read @size bytes (1, 2 or 4) at @port; the bits above them are zero
 * @out: write the low @size bytes of @value at @port
 * @read: read @size bytes (1, 2, 4 or 8) at @address, which may be any in @mmio
 * @write: write likewise
 * @tick: do what is due at @now (ns of machine_now()), return the time of the
 *        next deadline or NO_DEADLINE. NULL if the device has no clock. Called
 *        again at that time and after each access or input to the device.
 * @input: bytes from the user's terminal; returns how many it took. Offer the
 *         rest again after an access to the device. NULL if it has no input.
 *
 * An access that lies in one range as a whole reaches the device as a whole;
 * otherwise the bus makes single bytes of it (isa.h says what byte-wide devices
 * do with the former). @create must not call the machine_set_*() functions,
 * since the PIC may not exist yet; @reset may, and lowers the lines that its
 * device drives.
 *
 * A port that no device answers reads as all ones and ignores writes, as an
 * ISA bus does; the machine counts such accesses.
 */
struct device_class {
	const char *name;
	const struct port_range *ports;
	const struct mmio_range *mmio;
	const struct port_range *(*dyn_ports)(void *dev);
	void *(*create)(struct machine *m);
	void (*destroy)(void *dev);
	void (*reset)(void *dev);
	uint32_t (*in)(void *dev, uint16_t port, unsigned int size);
	void (*out)(void *dev, uint16_t port, unsigned int size, uint32_t value);
	uint64_t (*read)(void *dev, uint64_t address, unsigned int size);
	void (*write)(void *dev, uint64_t address, unsigned int size, uint64_t value);
	uint64_t (*tick)(void *dev, uint64_t now);
	size_t (*input)(void *dev, const uint8_t *bytes, size_t len);
};

/* Every device of the machine, ended by NULL (table.c). */
extern const struct device_class *const device_table[];

/* Why a machine stops. */
enum machine_stop {
	STOP_POWEROFF,		/* the guest turned the power off */
	STOP_RESET,		/* the guest asked for a reset */
	STOP_DEBUG_EXIT,	/* a write to the debug-exit port */
};

/*
 * The machine's lock, for threads of a device's own: all others who call a device, and
 * whom a device calls, hold it already.
 */
void machine_lock(struct machine *m);
void machine_unlock(struct machine *m);
/* ns since the machine was created; stands still while it is paused. */
uint64_t machine_now(const struct machine *m);
/* Wall-clock seconds since 1970 UTC, for the CMOS clock. */
int64_t machine_wall_clock(const struct machine *m);
/* Drive ISA interrupt line 0 to 15 (a level), of the PIC and of the I/O APIC. */
void machine_set_irq(struct machine *m, unsigned int line, bool level);
/* The interrupt controller's INTR output towards the CPU. */
void machine_set_intr(struct machine *m, bool level);
/* A message to the local APICs: "Message Signalled Interrupts" of Intel's manual. */
void machine_msi(struct machine *m, uint64_t address, uint32_t data);
/*
 * Have @fd, an eventfd, signalled when the guest writes two bytes at @address, in the
 * place of the access; or no longer. 0 or -errno.
 */
int machine_ioeventfd(struct machine *m, uint64_t address, int fd, bool on);
/* A number for machine_irqfd(). */
unsigned int machine_new_gsi(struct machine *m);
/*
 * Have the message sent whenever @fd, an eventfd, is signalled; it may be changed. With
 * an @address of 0 none is, and signals wait. 0 or -errno.
 */
int machine_irqfd(struct machine *m, unsigned int gsi, int fd, uint64_t address, uint32_t data);
/* Bytes for the user's terminal; never blocks the guest for long. */
void machine_output(struct machine *m, const uint8_t *bytes, size_t len);
/* Until the terminal has taken some of it, if that is much. Without the machine's lock. */
void machine_output_wait(struct machine *m);
/* What the user types goes there from now on; @input as in struct device_class. */
void machine_set_input(struct machine *m, size_t (*input)(void *dev, const uint8_t *bytes, size_t len),
		       void *dev);
/* It may take again what it would not. */
void machine_offer_input(struct machine *m);
/* Stop: @value is the byte written to the debug-exit port, else 0. */
void machine_stop(struct machine *m, enum machine_stop why, uint32_t value);
/* The guest's memory size in bytes, for CMOS. */
uint64_t machine_memory_size(const struct machine *m);
/* The port of the debug-exit device, 0 if the user asked for none. */
uint16_t machine_debug_exit_port(const struct machine *m);

/* The PIC pair, which alone has an interface of its own (pic.c). */
void pic_set_irq(void *pic, unsigned int line, bool level);
/* INTA: the vector of the highest request, which is now in service. */
uint8_t pic_acknowledge(void *pic);
extern const struct device_class pic_class;

/* The I/O APIC, which is where the ACPI tables say (ioapic.c). */
#define IOAPIC_ADDRESS	0xfec00000ULL
#define IOAPIC_PINS	24

void ioapic_set_pin(void *ioapic, unsigned int pin, bool level);
/* The guest has ended the interrupt with that vector. */
void ioapic_eoi(void *ioapic, uint8_t vector);
extern const struct device_class ioapic_class;

/* The first of the ports of ACPI's power management (acpi_pm.c). */
#define ACPI_PM_PORT	0x600
/* Its interrupt line. */
#define ACPI_SCI	9

/* The user presses the power button; whether the guest has asked to be told. */
bool acpi_pm_press_button(void *pm);
extern const struct device_class acpi_pm_class;

#endif /* DEVICE_H */
