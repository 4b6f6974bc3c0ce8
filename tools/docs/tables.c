/* SPDX-License-Identifier: MIT */
/*
 * tables: prints what the engine's and the hypervisor's own tables say, as one JSON object on stdout.  For tools/docs.
 */
#include <stdio.h>

#include <tools/docs/json.h>
#include <tools/docs/tables.h>

int main(void)
{
    json_begin(NULL, '{');
    tables_print_entries();
    tables_print_pat();
    tables_print_types();
    tables_print_layout();
    json_end('}');
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
