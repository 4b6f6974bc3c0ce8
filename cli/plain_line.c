/* SPDX-License-Identifier: MIT */
/* Control functions as in ECMA-48: escape sequences, control sequences and strings, and single characters. */
#include <cli/plain_line.h>

/* The ranges of final bytes; what lies before them belongs to the sequence. */
#define ESCAPE_FINAL   '0'
#define SEQUENCE_FINAL '@'

static void begin_escape(struct plain_line *line, char byte)
{
    if (byte == '[')
        line->within = PLAIN_SEQUENCE;
    else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_')
        line->within = PLAIN_STRING;
    else if (byte >= ESCAPE_FINAL)
        line->within = PLAIN_TEXT;
}

static bool is_control(char byte)
{
    return ((unsigned char)byte < ' ' && byte != '\t') || byte == '\x7f';
}

/* The controls of ISO 8859-1 in UTF-8, C2 80 to C2 9F. */
static bool ends_control(const struct plain_line *line, char byte)
{
    return line->length > 0 && line->text[line->length - 1] == '\xc2' && (unsigned char)byte >= 0x80 &&
           (unsigned char)byte < 0xa0;
}

static void add_text(struct plain_line *line, char byte)
{
    if (byte == '\x1b')
        line->within = PLAIN_ESCAPE;
    else if (ends_control(line, byte))
        line->length--;
    else if (!is_control(byte))
        line->text[line->length++] = byte;
}

bool plain_line_add(struct plain_line *line, char byte)
{
    if (byte == '\n') {
        line->within = PLAIN_TEXT;
        return true;
    }
    if (byte == '\x1b')
        line->within = PLAIN_ESCAPE;
    else if (line->within == PLAIN_TEXT)
        add_text(line, byte);
    else if (line->within == PLAIN_ESCAPE)
        begin_escape(line, byte);
    else if (line->within == PLAIN_SEQUENCE && byte >= SEQUENCE_FINAL)
        line->within = PLAIN_TEXT;
    else if (line->within == PLAIN_STRING && byte == '\a')
        line->within = PLAIN_TEXT;
    return line->length == PLAIN_LINE_MAX;
}
