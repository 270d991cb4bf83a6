#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# For man_test.sh: man_errnos.pl minivmx.h minivmx.4.md prints each errno that the comment of
# a structure has and that no ioctl with this structure has in the manual page, and each
# ioctl that the page says nothing of.
use strict;
use warnings;

my ($header, $page) = map { local (@ARGV, $/) = $_; <> } @ARGV;
my (%errnos, %ioctls, %entry);

while ($header =~ m{/\*\*\n \* (struct \w+) -(.*?)\*/}gs) {
	my ($struct, $text) = ($1, $2);

	$errnos{$struct} = [$text =~ /-(E[A-Z0-9]+)/g];
}
$header =~ s/\\\n//g;
while ($header =~ /^#define (MINIVMX_\w+)\s+_IO(?:R|W|WR)?\(MINIVMX_IOC, \w+(?:, (struct \w+))?\)/mg) {
	push @{$ioctls{$2 // ''}}, $1;
}
die "no structures or no ioctls\n" if !%errnos || !%ioctls;
# An entry: "NAME, NAME (struct)", and below it a text that is indented.
while ($page =~ /^((?:MINIVMX_\w+(?:, )?)+)(?: \((struct \w+)\))?\n:(.*?)\n\n(?=\S|$)/msg) {
	my ($names, $struct, $text) = ($1, $2 // '', $3);

	$entry{"$_ $struct"} = $text foreach split /, /, $names;
}
foreach my $struct (sort keys %ioctls) {
	my @entries = map { $entry{"$_ $struct"} // '' } @{$ioctls{$struct}};

	foreach (@{$ioctls{$struct}}) {
		print "$_ $struct: there is no entry\n" if !$entry{"$_ $struct"};
	}
	foreach my $errno (@{$errnos{$struct} // []}) {
		print "@{$ioctls{$struct}}: no $errno\n" if !grep { /\b$errno\b/ } @entries;
	}
}
