// SPDX-License-Identifier: GPL-2.0
/* The screen of minivmx top by ncurses: see runner/top_screen.h. */
#include <curses.h>

#include "array.h"
#include "top_screen.h"

#define ESCAPE_MS	25	/* until an Escape is a key, and not the start of one */

static SCREEN *terminal;

static int curses_open(struct message *message)
{
	/* initscr() would end the process. */
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return fail(message, "the terminal is of a type that ncurses does not know: set TERM, "
			    "or use --batch");
	set_term(terminal);
	cbreak();
	noecho();
	nodelay(stdscr, true);
	keypad(stdscr, true);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	return 0;
}

static void curses_close(void)
{
	endwin();
	delscreen(terminal);
}

static size_t curses_height(void)
{
	return (size_t)getmaxy(stdscr);
}

static void curses_draw(const struct top_page *page)
{
	const int width = getmaxx(stdscr), height = getmaxy(stdscr);
	size_t i;

	erase();
	for (i = 0; i < page->nr && (int)i < height; i++) {
		const attr_t attribute = i == page->selected ? A_REVERSE :
					 i == page->titles ? A_BOLD : A_NORMAL;

		attrset(attribute);
		mvaddnstr((int)i, 0, page->lines[i], width);
	}
	attrset(A_NORMAL);
	refresh();
}

static int curses_key(void)
{
	static const struct {
		int curses;
		enum top_key key;
	} keys[] = {
		{ ERR, TOP_KEY_NONE },
		{ KEY_UP, TOP_KEY_UP },
		{ KEY_DOWN, TOP_KEY_DOWN },
		{ KEY_PPAGE, TOP_KEY_PAGE_UP },
		{ KEY_NPAGE, TOP_KEY_PAGE_DOWN },
		{ KEY_HOME, TOP_KEY_HOME },
		{ KEY_END, TOP_KEY_END },
		{ KEY_ENTER, TOP_KEY_ENTER },
		{ '\n', TOP_KEY_ENTER },
		{ '\r', TOP_KEY_ENTER },
		{ KEY_BACKSPACE, TOP_KEY_BACK },
		{ KEY_LEFT, TOP_KEY_BACK },
		{ KEY_RIGHT, TOP_KEY_ENTER },
		{ '\b', TOP_KEY_BACK },
		{ 0x7f, TOP_KEY_BACK },
		{ 0x1b, TOP_KEY_BACK },
		{ KEY_RESIZE, TOP_KEY_RESIZE },
	};
	const int key = getch();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].curses == key)
			return keys[i].key;
	/* One that means nothing here. */
	return key < 0x100 ? key : 0;
}

static const struct top_screen screen = {
	.open = curses_open,
	.height = curses_height,
	.draw = curses_draw,
	.key = curses_key,
	.close = curses_close,
};

__attribute__((visibility("default")))
const struct top_screen *top_screen_curses(void);

const struct top_screen *top_screen_curses(void)
{
	return &screen;
}
