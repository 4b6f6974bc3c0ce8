/* SPDX-License-Identifier: MIT */
/*
 * The module of WebAssembly as an object: one machine, its calls, its state, and the way back.  What passes is checked
 * by the engine alone: nothing here knows what is allowed.
 */

const NO_PAGE = 0xffffffff;
const PAGE = 4096n;

const big = text => BigInt(`0x${text}`);
/* As 64 bits without a sign, which is how addresses are written. */
const unsigned = value => BigInt.asUintN(64, value);

/* A frame, as playground/state.c has it. */
function frameOf([mfn, owner, type, count, validated, busy, pinned, allocated, shared, refs, pfn]) {
    return {
        mfn,
        owner,
        type: TYPES[type],
        count,
        validated: !!validated,
        busy: !!busy,
        pinned: !!pinned,
        allocated: !!allocated,
        shared: !!shared,
        refs,
        pfn: pfn === NO_PAGE ? null : pfn
    };
}

/* The state of a machine at one moment. */
class State {
    constructor(values) {
        Object.assign(this, values);
        this.frames = values.frames.map(frameOf);
        this.base = big(values.base);
        this.window = big(values.window);
        this.tlb = values.tlb.map(one => ({...one, vaddr: unsigned(big(one.vaddr))}));
    }

    frame(mfn) {
        return this.frames[mfn];
    }

    /* The frame that the guest's page has; undefined: none. */
    page(pfn) {
        return this.frames.find(frame => frame.pfn === pfn && frame.owner === this.domain);
    }

    /* Where the kernel has mapped its page from the beginning. */
    address(pfn) {
        return this.base + BigInt(pfn) * PAGE;
    }

    /* The first page that is not part of the boot. */
    get firstFree() {
        return this.root + this.tables;
    }

    /* What a page is for; '' where the guest may do with it what it likes. */
    role(frame) {
        if (frame.owner !== this.domain || frame.pfn === null) return '';
        if (frame.pfn === this.shared) return 'shared_info';
        if (frame.pfn < this.root) return 'kernel data';
        if (frame.pfn < this.firstFree) return 'first tables';
        return '';
    }
}

class Machine {
    static async create(bytes, options = {}) {
        const {instance} = await WebAssembly.instantiate(bytes, {});
        return new Machine(instance.exports, options);
    }

    constructor(exports, {narrow = false, linear = false} = {}) {
        this.exports = exports;
        exports.play_begin(narrow ? 1 : 0, linear ? 1 : 0);
    }

    text(pointer) {
        const bytes = new Uint8Array(this.exports.memory.buffer, pointer);
        return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
    }

    /* A function of the module, and what it has said; a machine that fails says why. */
    call(name, ...args) {
        try {
            const result = this.exports[name](...args);
            return {result, said: this.text(this.exports.play_text())};
        } catch (error) {
            throw new Error(this.text(this.exports.play_failure()) || String(error));
        }
    }

    state() {
        return new State(JSON.parse(this.call('play_state').said));
    }

    /* {holders, entries}, with entries as [slot, BigInt]. */
    look(mfn) {
        const {holders, entries} = JSON.parse(this.call('play_frame', mfn).said);
        return {
            holders: holders.map(
                one => ({...one, entry: big(one.entry), vaddr: one.vaddr === null ? null : unsigned(big(one.vaddr))})),
            entries: entries.map(([slot, bits]) => [slot, big(bits)]),
        };
    }

    /* All that there is of it, to come back to. */
    remember() {
        return this.exports.memory.buffer.slice(0);
    }

    restore(memory) {
        new Uint8Array(this.exports.memory.buffer).set(new Uint8Array(memory));
    }
}
