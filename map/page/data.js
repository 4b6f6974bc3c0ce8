/* SPDX-License-Identifier: MIT */
/*
 * The data of a map: sim/replay/map.c writes it.  What a frame looks like is one number: its owner, its type, whether
 * it is pinned, whether it is in use.  Here it becomes the state of all frames after any operation, and the life of
 * one.
 */

/* Kinds of frames, as they are coloured: what is not in use is of no kind of its own. */
const KINDS = ['free', 'hypervisor', 'unused', 'writable', 'L1', 'L2', 'L3', 'L4', 'descriptors'];
const SHOTS = 32;
const BINS = 480;

const ownerOf = look => look >>> 5;
const typeOf = look => TYPES[look >>> 2 & 7];
const isPinned = look => (look & 2) !== 0;
const isUsed = look => (look & 1) !== 0;

function kindOf(look) {
    const owner = ownerOf(look);
    if (owner === OWNER.nobody) return 0;
    if (owner === OWNER.hypervisor) return 1;
    if (!isUsed(look) || typeOf(look) === 'none') return 2;
    const type = typeOf(look);
    return KINDS.indexOf(type === 'L2 top' ? 'L2' : type);
}

function lookInWords(look) {
    const type = typeOf(look);
    const words = type === 'none' ? 'no type' : isUsed(look) ? type : `unused, last ${type}`;
    return `${ownerName(ownerOf(look))}: ${words}${isPinned(look) ? ', pinned' : ''}`;
}

/* base64 of gzip of JSON, unpacked by the browser. */
async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return JSON.parse(await new Response(stream).text());
}

class Data {
    constructor(values) {
        Object.assign(this, values);
        this.start = new Uint32Array(this.nrFrames);
        for (let i = 0; i < this.first.length; i += 3)
            this.start.fill(this.first[i + 2], this.first[i], this.first[i] + this.first[i + 1]);
        this.ram = [...this.start.keys()].filter(mfn => ownerOf(this.start[mfn]) !== OWNER.io);
        this.history = Uint32Array.from(this.history);
        this.atMoment = new Map(this.frames.map(
            ([mfn, uses, refs, pfn, level, entries]) =>
                [mfn, {mfn, uses, refs, pfn: pfn < 0 ? null : pfn, level, entries: entries ? pairs(entries) : null}]));
        this.byPfn = new Map();
        for (const frame of this.atMoment.values())
            if (frame.pfn !== null) this.byPfn.set(frame.pfn, frame.mfn);
        this.findHolders();
        this.goThrough();
    }

    /* Who refers to a frame, at the moment: [table, slot, entry]. */
    findHolders() {
        this.holders = new Map();
        for (const table of this.atMoment.values()) {
            for (const [slot, entry] of table.entries ?? []) {
                const mfn = frameIn(entry);
                if (!this.holders.has(mfn)) this.holders.set(mfn, []);
                this.holders.get(mfn).push({table: table.mfn, level: table.level, slot, entry});
            }
        }
    }

    /* Each operation that changes something: its number, its name, and where its changes begin and end. */
    * operationsFrom(at, number) {
        while (at < this.history.length) {
            number += this.history[at];
            const end = at + 3 + 2 * this.history[at + 2];
            yield {number, name: this.names[this.history[at + 1]], first: at + 3, end};
            at = end;
        }
    }

    /* Once through all of it: shots to go on from, and how many frames of each kind there were, over time. */
    goThrough() {
        const look = this.start.slice();
        const counts = new Int32Array(KINDS.length);
        for (const mfn of this.ram) counts[kindOf(look[mfn])]++;
        this.shots = [{number: 0, at: 0, look: look.slice()}];
        this.bins = [{number: 0, counts: [...counts]}];
        const step = this.operations / BINS, distance = this.history.length / SHOTS;
        for (const {number, first, end} of this.operationsFrom(0, 0)) {
            if (number >= this.bins.length * step) this.bins.push({number, counts: [...counts]});
            for (let i = first; i < end; i += 2) {
                const mfn = this.history[i];
                counts[kindOf(look[mfn])]--;
                look[mfn] = this.history[i + 1];
                counts[kindOf(look[mfn])]++;
            }
            if (end >= this.shots.length * distance) this.shots.push({number, at: end, look: look.slice()});
        }
        this.bins.push({number: this.operations, counts: [...counts]});
    }

    /* What all frames look like after operation @number. */
    lookAt(number) {
        const shot = this.shots.findLast(one => one.number <= number);
        const look = shot.look.slice();
        for (const operation of this.operationsFrom(shot.at, shot.number)) {
            if (operation.number > number) break;
            for (let i = operation.first; i < operation.end; i += 2) look[this.history[i]] = this.history[i + 1];
        }
        return look;
    }

    /* The life of a frame: [{number, name, look}], the first of them as it was before all operations. */
    lifeOf(mfn) {
        const life = [{number: 0, name: '', look: this.start[mfn]}];
        for (const {number, name, first, end} of this.operationsFrom(0, 0))
            for (let i = first; i < end; i += 2)
                if (this.history[i] === mfn) life.push({number, name, look: this.history[i + 1]});
        return life;
    }

    /* Roots of vCPUs at the moment: [{mfn, words}]. */
    get roots() {
        return this.domains.flatMap(
            domain => domain.vcpus
                          .flatMap(
                              ([kernel, user], i) =>
                                  [{mfn: kernel, words: `domain ${domain.id}, vCPU ${i}: kernel`},
                                   {mfn: user, words: `domain ${domain.id}, vCPU ${i}: user mode`},
        ]).filter(root => root.mfn >= 0));
    }
}

function pairs(list) {
    const found = [];
    for (let i = 0; i < list.length; i += 2) found.push([list[i], BigInt(`0x${list[i + 1]}`)]);
    return found;
}
