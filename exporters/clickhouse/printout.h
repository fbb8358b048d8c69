// SPDX-License-Identifier: Apache-2.0
/* What the program prints instead of running: with --print-ddl the statements that create database, tables and view,
 * with --print-views the views for Claude Code. Nothing is asked of a server or a router. */
#ifndef MASQUES_EXPORTERS_CLICKHOUSE_PRINTOUT_H
#define MASQUES_EXPORTERS_CLICKHOUSE_PRINTOUT_H

#include "exporters/clickhouse/ddl.h"

#define PRINTOUT_FLAGS                                                                             \
    "  --print-ddl[=VERSION]  print what would be created (on a server of that version, such as 25.8; default: the\n" \
    "                      newest), and end\n"                                                     \
    "  --print-views       print the views for Claude Code, and end\n"                             \
    "                      Both: with --config FILE as its exporter (--name ID: this one of several) has it, and\n" \
    "                      with the options that are written behind it.\n"

/* Is one of the two flags among the arguments of main()? */
bool printout_wanted(int argc, char **argv);

/* Does what they say: appends the text to `out`, or one sentence, without a newline, to `why`. The exit code of
 * main(). */
int printout_write(int argc, char **argv, struct buf *out, struct buf *why);

/* The same, to stdout and stderr. */
int printout_main(int argc, char **argv);

#endif
