/* SPDX-License-Identifier: MIT */
/* Page-table entries: their bits by name, in both directions. */

const FLAGS = [
    {name: 'P', bit: 0, words: 'present'},
    {name: 'RW', bit: 1, words: 'writable'},
    {name: 'US', bit: 2, words: 'user: programs may use it'},
    {name: 'PWT', bit: 3, words: 'write-through'},
    {name: 'PCD', bit: 4, words: 'not cached'},
    {name: 'A', bit: 5, words: 'accessed'},
    {name: 'D', bit: 6, words: 'dirty'},
    {name: 'PSE', bit: 7, words: 'a large page; at level 1: PAT'},
    {name: 'G', bit: 8, words: 'global'},
    {name: 'NX', bit: 63, words: 'not executable'},
];
const FRAME_BITS = 0x000ffffffffff000n;

const READ_ONLY = ['P', 'A'], WRITABLE = ['P', 'RW', 'A', 'D'], TABLE = ['P', 'RW', 'US', 'A', 'D'];

const flagsOf = bits => FLAGS.filter(flag => bits >> BigInt(flag.bit) & 1n).map(flag => flag.name);
const flagWords = bits => flagsOf(bits).join(' ');
const frameIn = bits => Number((bits & FRAME_BITS) >> 12n);

function entryOf(frame, flags) {
    return FLAGS.filter(flag => flags.includes(flag.name))
        .reduce((bits, flag) => bits | 1n << BigInt(flag.bit), BigInt(frame) << 12n);
}

/* The slots of @vaddr from level 4, or 3 in a guest of 32 bits, down. */
function slotsOf(vaddr, narrow) {
    return (narrow ? [3, 2, 1] : [4, 3, 2, 1]).map(level => Number(vaddr >> BigInt(12 + 9 * (level - 1)) & 511n));
}
