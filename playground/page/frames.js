/* SPDX-License-Identifier: MIT */
/* What a frame is, as the engine has it in numbers: whose, and of which type.  For the pages of maps as well. */

const TYPES = ['none', 'L1', 'L2', 'L3', 'L4', 'L2 top', 'descriptors', 'writable'];
const OWNER = {
    io: 0x7ff1,
    hypervisor: 0x7ff2,
    nobody: 0x7ff4
};

const hex = value => value.toString(16);

function ownerName(owner) {
    return {[OWNER.io]: 'no RAM', [OWNER.hypervisor]: 'the hypervisor', [OWNER.nobody]: 'free'}[owner] ??
        `domain ${owner}`;
}
