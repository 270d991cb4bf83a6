#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What the kernel's kernel-doc -rst prints, as Markdown: kernel-doc.pl [--man] <rst
# With --man for pandoc, which makes a manual page of it, else for a reader of Markdown.
use strict;
use warnings;

my $man = @ARGV && $ARGV[0] eq '--man';
my $section = 'text';
my ($in_function, $member, $in_code);
my $in_doc = 1;		# and of one that was asked for by its title there is none
my $prefix = '';

# Text is text: * and < mean nothing, but for what kernel-doc has marked as a name.
sub plain {
	my ($text) = @_;

	$text =~ s/\*\*([\w.]+)\*\*/`$1`/g;
	$text =~ s/``([^`]+)``/`$1`/g;
	$text =~ s/([*<])/\\$1/g;
	return $text;
}

sub heading {
	print "\n", $man ? '##' : '###', " $_[0]\n\n";
}

sub close_code {
	print "```\n\n" if $in_code;
	$in_code = 0;
}

# A struct or a function; the prototype of a function follows what it does.
sub begin {
	my ($kind, $name) = @_;

	close_code();
	$in_doc = 0;
	$in_function = $kind eq 'function' ? $name =~ s/ \(/(/r . ';' : '';
	if ($in_function) {
		heading($name =~ s/^.*?(\w+) \(.*$/$1()/r);
	} else {
		heading('`' . ($kind eq 'struct' ? 'struct ' : '') . "$name`");
	}
	$section = 'summary';
}

sub summary {
	print plain($_[0]), "\n\n";
	print "```c\n$in_function\n```\n\n" if $in_function;
	$section = 'text';
}

# What a function returns has a title of its own.
sub text {
	my ($line) = @_;

	print $prefix if $line;
	$prefix = '' if $line;
	print plain($line), "\n";
}

sub code {
	print "```c\n" if !$in_code;
	$in_code = 1;
	print $_[0] =~ s/^  ?//r, "\n";
}

# A member or parameter, then lines that say what it is.
sub member {
	my ($line) = @_;

	if ($line =~ /^ ?``(.*)``$/) {
		# The type of a parameter stands in the prototype.
		$member = $in_function ? $1 =~ s/^.*[ *](\w+)(\[.*)?$/$1/r : $1;
		return;
	}
	$line = plain($line =~ s/^ *//r);
	if ($member) {
		print $man ? "`$member`\n:   $line\n" : "- `$member`: $line\n";
	} else {
		print $man ? '    ' : '  ', "$line\n";
	}
	$member = '';
}

while (<STDIN>) {
	chomp;
	next if /^\.\. _/ || /^\.\. container::/;
	if (/^\.\. c:(type|struct|function):: (.*)$/) {
		begin($1, $2);
		next;
	}
	# The title of a DOC: comment.
	if (/^\*\*(.*)\*\*$/ && $1 ne 'Description') {
		close_code();
		heading($1);
		$section = 'text';
		$in_doc = 1;
		next;
	}
	s/^  // if !$in_doc;
	if (/^ ?\*\*Definition\*\*::/) {
		$section = 'code';
	} elsif (/^ ?\*\*(Members|Parameters)\*\*$/) {
		close_code();
		$section = 'members';
	} elsif (/^ ?\*\*(Description|Return)\*\*$/) {
		$prefix = $1 eq 'Return' ? 'Returns ' : '';
		$section = 'text';
	} elsif ($section eq 'text') {
		text($in_doc ? $_ : s/^ //r);
	} elsif (/^ *$/) {
		print "\n" if $section eq 'members' && $man;
	} elsif ($section eq 'summary') {
		summary(s/^ //r);
	} elsif ($section eq 'code') {
		code($_);
	} else {
		member($_);
	}
}
close_code();
