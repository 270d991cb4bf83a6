/* SPDX-License-Identifier: GPL-2.0 */
/* The screen of minivmx top: between what is on it, top_ui.c, and the engine that draws it. */
#ifndef TOP_SCREEN_H
#define TOP_SCREEN_H

#include <stddef.h>

#include "message.h"
#include "top.h"

/* Keys that are no characters. */
enum top_key {
	TOP_KEY_NONE = -1,
	TOP_KEY_UP = 0x100,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_BACK,
	TOP_KEY_RESIZE,
};

#define TOP_MAX_LINES	512

/**
 * struct top_page - what is to be on the screen
 * @nr: lines
 * @titles: number of the line with the titles
 * @selected: number of the line that is selected; no line has it if there is none
 * @lines: from the top down
 */
struct top_page {
	size_t nr;
	size_t titles;
	size_t selected;
	char lines[TOP_MAX_LINES][TOP_LINE];
};

/**
 * struct top_screen - what an engine does
 * @open: take the terminal, stdin and stdout: 0, or -1 with a message
 * @height: lines that there is room for
 * @draw: show a page; what does not fit is cut off
 * @key: a key that was pressed, or TOP_KEY_NONE
 * @close: give the terminal back
 */
struct top_screen {
	int (*open)(struct message *message);
	size_t (*height)(void);
	void (*draw)(const struct top_page *page);
	int (*key)(void);
	void (*close)(void);
};

#endif /* TOP_SCREEN_H */
