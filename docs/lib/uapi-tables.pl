#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What kernel-doc does not take from uapi/minivmx.h: its ioctls and its constants, as
# tables in Markdown: uapi-tables.pl --ioctls | --constants [--man] <minivmx.h
# With --man as lists: in a terminal a table would be too wide.
#
# A comment of one line is the title of the group that follows: "name: what", or words.
# One that ends with a full stop is about the ioctl below it, one behind a constant about
# that. An empty line ends a group of constants.
use strict;
use warnings;

my $what = $ARGV[0] // '';
my $man = ($ARGV[1] // '') eq '--man';
my ($title, $note) = ('', '');
my @groups;	# each a title and its rows
my @others;	# rows without a title

my %heads = (
	'--ioctls' => ['ioctl', 'number', 'argument', 'note'],
	'--constants' => ['name', 'value', 'meaning'],
);
my $head = $heads{$what} or die "usage: uapi-tables.pl --ioctls | --constants [--man] <minivmx.h\n";

# Text in a row of a table.
sub cell {
	return $_[0] =~ s/@(\w+)/`$1`/gr =~ s/([*<|])/\\$1/gr;
}

# "struct.member: what", with the first in the font of names.
sub title_text {
	my ($names, $rest) = split /: /, $_[0], 2;

	$names =~ s/(\w+\.\w+)/`$1`/g;
	return defined $rest ? "$names: " . cell($rest) : ucfirst($names);
}

sub row {
	my $cells = [@_];

	if (!$title) {
		push @others, $cells;
		return;
	}
	push @groups, [$title, []] if !@groups || $groups[-1][0] ne $title;
	push @{$groups[-1][1]}, $cells;
}

sub ioctl_row {
	my ($name, $way, $number, $struct) = @_;
	my %ways = (R => 'out', W => 'in', WR => 'in and out');

	row("`$name`", "`$number`", $struct ? "`$struct`, $ways{$way}" : 'none', cell($note));
	$note = '';
}

sub constant_row {
	my ($name, $value, $comment) = @_;

	row("`$name`", "`$value`", cell($comment // ''));
}

sub table {
	my ($title, $rows) = @_;

	print "\n", title_text($title), "\n\n";
	if ($man) {
		print "$$_[0], $$_[1]\n:   ", $$_[-1] || '.', "\n\n" foreach @$rows;
		return;
	}
	print '| ', join(' | ', @$head), " |\n", '|---' x @$head, "|\n";
	print '| ', join(' | ', @$_), " |\n" foreach @$rows;
}

my $text = do { local $/; <STDIN> };
# An ioctl may take two lines, and longer comments are kernel-doc's.
$text =~ s/\\\n\s*//g;
$text =~ s{/\*\*?\n.*?\*/\n}{\n}gs;

foreach (split /\n/, $text) {
	if (m{^/\* (.*\.) \*/$}) {
		$note = $1;
	} elsif (m{^/\* (.*) \*/$}) {
		$title = $1;
	} elsif (/^#define (MINIVMX_\w+)\s+_IO(R|W|WR)?\(MINIVMX_IOC, (0x\w+)(?:, (struct \w+))?\)/) {
		ioctl_row($1, $2, $3, $4) if $what eq '--ioctls';
	} elsif (m{^#define (MINIVMX_[A-Z0-9_]+)\s+(\S.*?)(?:\s*/\* (.*) \*/)?$}) {
		constant_row($1, $2, $3) if $what eq '--constants';
	} elsif (!$_ && $what eq '--constants') {
		$title = '';
	}
}
table(@$_) foreach @groups;
table('others', \@others) if @others;
