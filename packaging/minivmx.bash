# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Completion for minivmx in bash.
#
# Commands, options and what these take are read from --help when they are wanted, so
# that this file knows none of them. What it knows is what the words in capitals mean
# there: FILE, NAME and so on.

# The help of $1, or of its command $2.
_minivmx_help() {
	command "$1" ${2:+"$2"} --help 2>/dev/null </dev/null
}

# Of a help on stdin, the options, one a line: "--name" or "-n", a tab, and its value,
# which begins with = if it may only be given so.
_minivmx_options() {
	sed -nE '/^ {2}(-[A-Za-z], | {4})--/{
		s/^ +//
		s/ {2,}.*//
		s/^(--[a-z-]+)\[(=[A-Z]+)\].*/\1\t\2/
		s/^(-[A-Za-z]), (--[a-z-]+) ?(.*)/\1\t\3\n\2\t\3/
		s/^(--[a-z-]+) ?([^\t]*)$/\1\t\2/
		p
	}'
}

# Of a help on stdin, the words that begin the lines below the title $1.
_minivmx_section() {
	awk -v title="$1" '
		inside && !NF { exit }
		inside { print $1 }
		index($0, title) == 1 { inside = 1 }'
}

# Of the help of a command $1 on stdin, the lines of its usage without options and without
# what is not a word.
_minivmx_usage() {
	sed -nE "/^ *\$/q; s/^(usage:| {6}) minivmx $1 ?//p" |
		sed -E 's/--[a-z]+( [A-Z]+)?//g; s/\.\.\.//g; s/[][|]/ /g'
}

# Names of the guests that run, and PIDs of those without.
_minivmx_guests() {
	command "$1" list 2>/dev/null </dev/null |
		awk 'NR > 1 { print $2 == "-" ? $1 : $2 }'
}

_minivmx_fields() {
	command "$1" vmcs list 2>/dev/null </dev/null |
		awk 'NR == 1 { at = index($0, "  name ") + 2; next }
			{ split(substr($0, at), word, " "); print word[1] }'
}

# Offer those words of what compgen makes of the arguments that continue $cur.
_minivmx_offer() {
	local word
	while IFS= read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen "$@" -- "$cur")
}

_minivmx_offer_files() {
	compopt -o filenames 2>/dev/null
	_minivmx_offer "$1"
}

# Offer what the words of a usage stand for, to the program $1.
_minivmx_operand() {
	case $2 in
	FILE | IMAGE | FOLDER) _minivmx_offer_files -f ;;
	NAME | RUNNER) _minivmx_offer -W "$(_minivmx_guests "$1")" ;;
	A | B)
		_minivmx_offer_files -f
		_minivmx_offer -W "$(_minivmx_guests "$1")"
		;;
	OPERATION) _minivmx_offer -W "$(_minivmx_help "$1" compare | _minivmx_section Operations)" ;;
	FIELD* | PATTERN)
		local cur=${cur^^}
		_minivmx_offer -W "$(_minivmx_fields "$1")"
		;;
	esac
}

# Offer what an option takes, by its value in the help: alternatives.
_minivmx_value() {
	local word
	while read -r word; do
		case $word in
		FILE* | =FILE) _minivmx_offer_files -f ;;
		DIR) _minivmx_offer_files -d ;;
		[a-z]*)
			[[ $word =~ ^[a-z]+=? ]]
			_minivmx_offer -W "${BASH_REMATCH[0]}"
			[[ $word != [a-z]*=* || $word == *[* ]] || compopt -o nospace 2>/dev/null
			;;
		esac
	done <<<"${1// | /$'\n'}"
}

_minivmx() {
	local program=$1 cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} help value equals='' first rest word

	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		help=$(_minivmx_help "$program")
		_minivmx_offer -W "$(_minivmx_section Commands <<<"$help")
			$(_minivmx_options <<<"$help" | cut -f 1)"
		return
	fi
	# To readline --option=value is three words.
	if [[ $cur == = ]]; then
		cur='' equals=1
	elif [[ $option == = ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]} equals=1
	fi
	help=$(_minivmx_help "$program" "$command") || return 0
	value=$(_minivmx_options <<<"$help" | awk -F '\t' -v option="$option" '$1 == option { print $2 }')
	if [[ -n $value && ($value != =* || -n $equals) ]]; then
		_minivmx_value "$value"
		return
	fi
	if [[ $cur == -* ]]; then
		_minivmx_offer -W "$(_minivmx_options <<<"$help" | cut -f 1)"
		return
	fi
	while read -r first rest; do
		if [[ ! $first =~ ^[a-z]+$ ]]; then
			rest="$first $rest"
		elif [[ $COMP_CWORD -eq 2 ]]; then
			_minivmx_offer -W "$first"
			continue
		elif [[ ${COMP_WORDS[2]} != "$first" ]]; then
			continue
		fi
		for word in $rest; do
			_minivmx_operand "$program" "$word"
		done
	done < <(_minivmx_usage "$command" <<<"$help")
}

complete -F _minivmx minivmx
