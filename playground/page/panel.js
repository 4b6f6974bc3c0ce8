/* SPDX-License-Identifier: MIT */
/*
 * The form for an operation: which one, a field for each of its values, the call as it would be written, and the button
 * that makes it.  Numbers are hexadecimal but for slots and counts, as everywhere in reports.
 */

const FIELD_DEFAULTS = {
    frame: 0,
    page: 0,
    slot: 0,
    number: 1,
    address: 0n,
    entry: 0n,
    word: 0n
};

/* Of each type of field: a text from a value, a value from a text; undefined: it is none. */
const whole = (text, base, end) => {
    const digits = base === 16 ? /^(0x)?[0-9a-f]+$/i : /^[0-9]+$/;
    const value = digits.test(text) ? parseInt(text.replace(/^0x/i, ''), base) : NaN;
    return value < end ? value : undefined;
};
const wide = text => /^(0x)?[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text.replace(/^0x/i, '')}`) : undefined;
const TEXTS = {
    frame: {to: hex, from: text => whole(text, 16, 2 ** 40)},
    page: {to: hex, from: text => whole(text, 16, 2 ** 40)},
    slot: {to: String, from: text => whole(text, 10, 512)},
    number: {to: String, from: text => whole(text, 10, 2 ** 16)},
    address: {to: hex, from: wide},
    entry: {to: value => hex(value).padStart(16, '0'), from: wide},
    word: {to: value => hex(value).padStart(16, '0'), from: wide},
};

class Panel {
    constructor(place, perform) {
        this.place = place;
        this.op = {kind: 'update_va_mapping'};
        this.written = make('code', {id: 'written'});
        this.button = make('button', {type: 'submit', id: 'call', class: 'main'}, 'Make the call');
        place.addEventListener('submit', event => {
            event.preventDefault();
            if (!this.button.disabled) perform({...this.op});
        });
        this.fill(this.op);
    }

    /* Show @op, with what it does not say as it is by default. */
    fill(op) {
        const kind = KINDS[op.kind];
        this.op = {kind: op.kind};
        for (const field of kind.fields)
            this.op[field.name] = op[field.name] ?? (field.choices ? field.choices[0] : FIELD_DEFAULTS[field.type]);
        this.bad = new Set();
        this.place.replaceChildren(
            make(
                'label', {class: 'field'}, make('span', {}, 'Call'),
                make(
                    'select', {id: 'kind', onchange: event => this.fill({kind: event.target.value})},
                    Object.entries(KINDS).map(
                        ([name, one]) => make('option', {value: name, selected: name === op.kind}, one.title)))),
            make('p', {class: 'quiet'}, kind.words),
            ...kind.fields.filter(field => !field.when || field.when(this.op)).map(field => this.field(field)),
            make('div', {class: 'written'}, this.written), this.button);
        this.update();
    }

    field(field) {
        if (field.type === 'choice') {
            const change = event => this.fill({...this.op, [field.name]: event.target.value});
            return make(
                'label', {class: 'field'}, make('span', {}, field.label),
                make(
                    'select', {id: `field-${field.name}`, onchange: change},
                    field.choices.map(
                        name => make('option', {value: name, selected: name === this.op[field.name]}, name))));
        }
        const input = make('input', {
            id: `field-${field.name}`,
            type: 'text',
            spellcheck: 'false',
            inputmode: 'text',
            value: TEXTS[field.type].to(this.op[field.name]),
            oninput: () => this.take(field, input)
        });
        const label = make('label', {class: 'field'}, make('span', {}, field.label), input);
        return field.type === 'entry' ? make('fieldset', {}, label, this.parts(field, input)) : label;
    }

    take(field, input) {
        const value = TEXTS[field.type].from(input.value.trim());
        const good = value !== undefined && (field.max === undefined || value <= field.max);
        input.setAttribute('aria-invalid', good ? 'false' : 'true');
        this.bad[good ? 'delete' : 'add'](field.name);
        if (good) this.op[field.name] = value;
        this.update();
    }

    /* An entry as its frame and its flags; what is changed here changes the bits, and the other way round. */
    parts(field, input) {
        const frame =
            make('input', {id: `part-${field.name}-frame`, type: 'text', spellcheck: 'false', class: 'short'});
        const boxes = FLAGS.map(flag => make('input', {type: 'checkbox', id: `part-${field.name}-${flag.name}`}));
        const show = () => {
            frame.value = hex(frameIn(this.op[field.name]));
            FLAGS.forEach((flag, i) => {
                boxes[i].checked = flagsOf(this.op[field.name]).includes(flag.name);
            });
        };
        const change = () => {
            const mfn = TEXTS.frame.from(frame.value.trim());
            frame.setAttribute('aria-invalid', mfn === undefined ? 'true' : 'false');
            if (mfn === undefined) return;
            input.value = TEXTS.entry.to(entryOf(mfn, FLAGS.filter((_, i) => boxes[i].checked).map(flag => flag.name)));
            this.take(field, input);
        };
        frame.addEventListener('input', change);
        for (const box of boxes) box.addEventListener('change', change);
        input.addEventListener('input', () => {
            if (!this.bad.has(field.name)) show();
        });
        show();
        return make(
            'div', {class: 'parts'}, make('label', {}, 'frame ', frame),
            FLAGS.map((flag, i) => make('label', {class: 'flag', title: flag.words}, boxes[i], flag.name)));
    }

    update() {
        this.written.textContent = `${KINDS[this.op.kind].written(this.op)};`;
        this.button.disabled = this.bad.size > 0;
        this.button.textContent = ['store', 'load'].includes(this.op.kind) ? 'Carry it out' : 'Make the call';
    }
}
