/* SPDX-License-Identifier: MIT */
/* Random bytes as text, and the line of the hypervisor's log that has to repeat it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <cli/proof.h>

enum status proof_make(struct proof *proof)
{
    unsigned char bytes[PROOF_LENGTH / 2];

    *proof = (struct proof){.is_given = false};
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        say_error("no random number can be had: %s", strerror(errno));
        return STATUS_FAILED;
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(proof->text + 2 * i, 3, "%02x", bytes[i]);
    return STATUS_GOOD;
}

bool proof_take(struct proof *proof, const char *line)
{
    char text[PROOF_LENGTH + 1], rest;
    unsigned code;

    /* What comes behind the last line makes it none. */
    proof->is_given =
        sscanf(line, "ended with %x, proof %16s%c", &code, text, &rest) == 2 && !strcmp(text, proof->text);
    if (proof->is_given)
        proof->code = code;
    return proof->is_given;
}

int proof_status(const struct proof *proof)
{
    return (int)(proof->code * 2 + 1);
}

bool proof_holds(const struct proof *proof, int exit_status)
{
    return proof->is_given && exit_status == proof_status(proof);
}
