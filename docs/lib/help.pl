#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What a command prints with --help, as Markdown for pandoc: help.pl <text
#
# Its usage, then paragraphs. Lines that are indented are options, each with what it does,
# if the first begins with a dash, and else stay as they are. "Title:" stands before some.
use strict;
use warnings;

sub escape {
	return $_[0] =~ s/([\\`*_<>\[\]#~^\$|])/\\$1/gr;
}

sub verbatim {
	print "```\n", (map { "$_\n" } @_), "```\n\n";
}

# "  -k, --kernel FILE   what it does", or that on the lines below, further to the right.
sub options {
	my $is_open = 0;

	foreach (@_) {
		if (/^ {2,6}(-\S.*?)(?:  +(\S.*))?$/) {
			print "\n" if $is_open;
			print '**', escape($1), "**\n:   ", escape($2 // '');
			$is_open = defined $2;
			print "\n" if $is_open;
		} else {
			print $is_open ? '    ' : '', escape(s/^ +//r), "\n";
			$is_open = 1;
		}
	}
	print "\n";
}

sub indented {
	my @lines = @_;
	my ($indent) = $lines[0] =~ /^( *)/;

	if ($lines[0] =~ /^ +-/) {
		options(@lines);
	} else {
		verbatim(map { s/^$indent//r } @lines);
	}
}

sub block {
	my @lines = @_;

	while (@lines) {
		my @text;

		push @text, shift @lines while @lines && $lines[0] !~ /^  /;
		if (@text == 1 && $text[0] =~ /^([A-Z]\w*(?: \w+)?):$/) {
			print "*$1*\n\n";
		} elsif (@text) {
			print join("\n", map { escape($_) } @text), "\n\n";
		}
		my @rest;

		push @rest, shift @lines while @lines && $lines[0] =~ /^  /;
		indented(@rest) if @rest;
	}
}

my $text = do { local $/; <STDIN> };
my @blocks = map { [split /\n/] } split /\n\n+/, $text;
if ($text =~ /^usage: /) {
	my $usage = shift @blocks;

	verbatim(map { s/^(?:usage: |       )//r } @$usage);
}
block(@$_) foreach @blocks;
