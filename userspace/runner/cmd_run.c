// SPDX-License-Identifier: GPL-2.0
/* minivmx run: the command line of a run. */
#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../virtio/vsock.h"
#include "commands.h"
#include "control_dir.h"
#include "device_options.h"
#include "exit_status.h"
#include "loader.h"
#include "session.h"

#define DEFAULT_MEMORY	(256 * MIB)
/* A year: beyond that nobody is waiting. */
#define TIMEOUT_MAX	(365.0 * 86400)

static void print_help(void)
{
	printf(
"usage: minivmx run [OPTION]... IMAGE\n"
"\n"
"Runs IMAGE as a guest. Its first serial port is stdin and stdout.\n"
"\n"
"IMAGE is told by its content:\n"
"  Linux bzImage   booted by the 64-bit boot protocol\n"
"  ELF with PVH    an uncompressed vmlinux (CONFIG_PVH) and others\n"
"  multiboot 1     an ELF file, or any with addresses in its header\n"
"  anything else   a flat real-mode binary: loaded at 0000:7c00 like a boot\n"
"                  sector, DS = ES = SS = 0, SP = 7c00, no BIOS\n"
"\n"
"Options:\n"
"  -k, --kernel FILE      the same as IMAGE\n"
"  -i, --initrd FILE      initrd, or the one multiboot module\n"
"  -a, --append STRING    command line (for Linux, without this: \"%s\")\n"
"  -m, --mem SIZE         memory, with K, M or G behind the number (256M)\n"
"  -c, --cpus N           processors, from 1 to %d (1)\n"
"      --disk FILE[,ro][,direct]\n"
"                         a virtio disk: a raw file or a block device; ro: not written,\n"
"                         direct: past the host's page cache; up to %d times\n"
"      --net user[,hostfwd=tcp:PORT:GUESTPORT][,restrict][,mac=MAC]\n"
"                         a network card in a network of its own, 10.0.2.0/24, with DHCP,\n"
"                         from where it reaches what minivmx does; hostfwd: and what\n"
"                         connects to PORT of the host reaches it; restrict: only that\n"
"      --net tap=NAME[,mac=MAC]\n"
"                         one at a tap device of the host; up to %d cards\n"
"      --vsock CID        sockets between host and guest, whose context ID that is (3 or\n"
"                         more), by the host's vhost_vsock\n"
"      --gdb PORT         wait for gdb on that port of 127.0.0.1 (0: any) before the\n"
"                         first instruction\n"
"      --debug-exit PORT  a byte written to this I/O port ends the run\n"
"      --timeout SECONDS  end it after this time\n"
"      --name NAME        what minivmx list calls it (its PID)\n"
"      --stats            a table of its exits at the end, on stderr\n"
"      --stats-json FILE  the same as JSON; - is stdout\n"
"  -v, --verbose          say what the image is and how it ended\n"
"  -h, --help             this help\n"
"\n"
"At a terminal, Ctrl-A x ends the guest, Ctrl-A h shows help, and all else goes\n"
"to the guest, Ctrl-C too.\n"
"\n"
"Exit status:\n"
"  %-3d  the guest turned the power off, asked for a reset or halted, Ctrl-A x, gdb's kill\n"
"  %-3d  a mistake on the command line\n"
"  %-3d  the host: no /dev/minivmx, no memory, an image that cannot be loaded\n"
"  %-3d  the VM: entry failed, or something that is not handled\n"
"  %-3d  the guest ended in a triple fault\n"
"  %-3d  --timeout\n"
"  odd  (2 * value + 1) & 255 after a write of value to the --debug-exit port\n"
"Other minivmx commands find it by a control socket, in /run/minivmx for root, in\n"
"$XDG_RUNTIME_DIR/minivmx for others: see minivmx list --help.\n"
"SIGINT, SIGTERM, SIGHUP and SIGQUIT end it, and it dies of that signal.\n"
"\n"
"Examples:\n"
"  minivmx run boot.bin\n"
"  minivmx run --mem 512M --initrd initrd.img --append 'console=ttyS0 quiet' \\\n"
"      /boot/vmlinuz-$(uname -r)\n"
"  minivmx run --debug-exit 0xf4 --timeout 10 --stats test.elf\n",
	       DEFAULT_LINUX_CMDLINE, MINIVMX_MAX_VCPUS, MAX_DISKS, MAX_NETS,
	       STATUS_OK, STATUS_USAGE, STATUS_HOST, STATUS_VM,
	       STATUS_GUEST, STATUS_TIMEOUT);
}

static int parse_memory(const char *text, struct message *message,
			struct run_options *options)
{
	uint64_t size;

	if (parse_size(text, &size))
		return fail(message, "--mem: not a size: '%s' (examples: 256M, 4G)",
			    text);
	if (size < MEMORY_MIN || size > MEMORY_MAX)
		return fail(message, "--mem: %s is not between %s and %s", text,
			    format_size(MEMORY_MIN).text,
			    format_size(MEMORY_MAX).text);
	if (size % 4096)
		return fail(message, "--mem: %s is not a multiple of 4K", text);
	options->memory = size;
	return 0;
}

static int parse_cpus(const char *text, struct message *message,
		      struct run_options *options)
{
	unsigned long cpus;
	char *end;

	cpus = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || !cpus || cpus > MINIVMX_MAX_VCPUS)
		return fail(message, "--cpus: not a number from 1 to %d: '%s'",
			    MINIVMX_MAX_VCPUS, text);
	options->cpus = (unsigned int)cpus;
	return 0;
}

static int parse_port(const char *text, struct message *message,
		      struct run_options *options)
{
	unsigned long port;
	char *end;

	/* Port 0 belongs to the DMA controller and means "none" inside. */
	port = strtoul(text, &end, 0);
	if (!isdigit((unsigned char)text[0]) || *end || !port || port > 0xffff)
		return fail(message,
			    "--debug-exit: not a port from 1 to 0xffff: '%s'",
			    text);
	options->debug_exit_port = (uint16_t)port;
	return 0;
}

static int parse_gdb(const char *text, struct message *message,
		     struct run_options *options)
{
	unsigned long port;
	char *end;

	port = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || port > 0xffff)
		return fail(message, "--gdb: not a port from 0 to 65535: '%s'", text);
	options->gdb = true;
	options->gdb_port = (uint16_t)port;
	return 0;
}

static int parse_timeout(const char *text, struct message *message,
			 struct run_options *options)
{
	double seconds;
	char *end;

	seconds = strtod(text, &end);
	if (end == text || *end || !isfinite(seconds) || seconds <= 0 ||
	    seconds > TIMEOUT_MAX)
		return fail(message,
			    "--timeout: not a number of seconds above 0: '%s'",
			    text);
	options->timeout_ns = (uint64_t)(seconds * 1e9);
	/* Rounding must not turn a very short one into none. */
	if (!options->timeout_ns)
		options->timeout_ns = 1;
	return 0;
}

static int parse_name(const char *text, struct message *message,
		      struct run_options *options)
{
	if (!control_name_is_valid(text))
		return fail(message,
			    "--name: not 1 to %d letters, digits, - and _, or only digits: '%s'",
			    CONTROL_NAME_MAX, text);
	options->name = text;
	return 0;
}

static int parse_disk_option(const char *text, struct message *message,
			     struct run_options *options)
{
	if (options->nr_disks == MAX_DISKS)
		return fail(message, "--disk: more than %d disks", MAX_DISKS);
	return parse_disk(text, &options->disks[options->nr_disks++], message);
}

static int parse_net_option(const char *text, struct message *message,
			    struct run_options *options)
{
	const unsigned int index = options->nr_nets;

	if (index == MAX_NETS)
		return fail(message, "--net: more than %d network devices", MAX_NETS);
	options->nr_nets++;
	return parse_net(text, index, &options->nets[index], message);
}

static int parse_vsock_option(const char *text, struct message *message,
			      struct run_options *options)
{
	unsigned long cid;
	char *end;

	cid = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || cid < VSOCK_CID_MIN || cid >= UINT32_MAX)
		return fail(message, "--vsock: not a context ID from %d on: '%s'", VSOCK_CID_MIN,
			    text);
	options->vsock_cid = (uint32_t)cid;
	return 0;
}

enum long_option {
	OPTION_VSOCK = 253,
	OPTION_DISK,
	OPTION_NET,
	OPTION_DEBUG_EXIT = 256,
	OPTION_GDB,
	OPTION_TIMEOUT,
	OPTION_NAME,
	OPTION_STATS,
	OPTION_STATS_JSON,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'a' },
	{ "mem", required_argument, NULL, 'm' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "disk", required_argument, NULL, OPTION_DISK },
	{ "net", required_argument, NULL, OPTION_NET },
	{ "vsock", required_argument, NULL, OPTION_VSOCK },
	{ "debug-exit", required_argument, NULL, OPTION_DEBUG_EXIT },
	{ "gdb", required_argument, NULL, OPTION_GDB },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "name", required_argument, NULL, OPTION_NAME },
	{ "stats", no_argument, NULL, OPTION_STATS },
	{ "stats-json", required_argument, NULL, OPTION_STATS_JSON },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static int set_option(int c, struct run_options *options,
		      struct message *message)
{
	switch (c) {
	case 'k':
		options->image = optarg;
		return 0;
	case 'i':
		options->initrd = optarg;
		return 0;
	case 'a':
		options->append = optarg;
		return 0;
	case 'm':
		return parse_memory(optarg, message, options);
	case 'c':
		return parse_cpus(optarg, message, options);
	case OPTION_DISK:
		return parse_disk_option(optarg, message, options);
	case OPTION_NET:
		return parse_net_option(optarg, message, options);
	case OPTION_VSOCK:
		return parse_vsock_option(optarg, message, options);
	case OPTION_DEBUG_EXIT:
		return parse_port(optarg, message, options);
	case OPTION_GDB:
		return parse_gdb(optarg, message, options);
	case OPTION_TIMEOUT:
		return parse_timeout(optarg, message, options);
	case OPTION_NAME:
		return parse_name(optarg, message, options);
	case OPTION_STATS:
		options->stats = true;
		return 0;
	case OPTION_STATS_JSON:
		options->stats_json = optarg;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	default:
		/* getopt has said what is wrong. */
		message->text[0] = '\0';
		return -1;
	}
}

static int take_image(int argc, char **argv, struct run_options *options,
		      struct message *message)
{
	if (optind < argc) {
		if (options->image)
			return fail(message, "both --kernel and IMAGE were given");
		options->image = argv[optind++];
	}
	if (optind < argc)
		return fail(message, "one IMAGE is enough, but there is also '%s'",
			    argv[optind]);
	if (!options->image)
		return fail(message, "no IMAGE was given");
	return 0;
}

int cmd_run(int argc, char **argv)
{
	struct run_options options = { .memory = DEFAULT_MEMORY, .cpus = 1 };
	struct message message;
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "k:i:a:m:c:vh", long_options,
					NULL)) >= 0) {
		if (c == 'h') {
			print_help();
			return STATUS_OK;
		}
		ret = set_option(c, &options, &message);
	}
	if (!ret)
		ret = take_image(argc, argv, &options, &message);
	if (!ret && options.gdb && options.cpus > 1)
		ret = fail(&message, "--gdb: only with one CPU");
	if (ret) {
		if (message.text[0])
			fprintf(stderr, "minivmx: %s\n", message.text);
		return usage_error("run");
	}
	options.control_base = control_base(&message);
	if (!options.control_base && options.verbose)
		fprintf(stderr, "minivmx: no control socket: %s\n", message.text);
	return session_run(&options);
}
