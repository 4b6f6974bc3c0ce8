/* SPDX-License-Identifier: MIT */
/*
 * All RAM as a picture, a cell for each frame: by mfn, or by the page that it is; to move, to zoom, to choose from.
 * What is near enough to be read has its number and its pin.
 */

const READABLE = 34; /* pixels of a cell that has words in it */
const MARKED = 7;    /* and of one that has its pin */
const ZOOM_MAX = 90;

class Picture {
    constructor(canvas, data, {choose, hover}) {
        Object.assign(this, {canvas, data, hover});
        this.cells = document.createElement('canvas');
        this.order = 'mfn';
        this.colour = 'type';
        canvas.addEventListener('wheel', event => this.wheel(event), {passive: false});
        canvas.addEventListener('pointerdown', event => this.grasp(event));
        canvas.addEventListener('pointermove', event => this.move(event));
        canvas.addEventListener('pointerup', event => this.release(event, choose));
        canvas.addEventListener('pointerleave', () => hover(null));
        canvas.addEventListener('keydown', event => this.key(event, choose));
        new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
        this.arrange();
    }

    /* The places of all frames, in rows. */
    arrange() {
        const pfn = mfn => this.data.atMoment.get(mfn)?.pfn ?? Infinity;
        this.places = this.order === 'mfn' ?
            this.data.ram :
            [...this.data.ram].sort((one, other) => pfn(one) - pfn(other) || one - other);
        this.placeOf = new Map(this.places.map((mfn, i) => [mfn, i]));
        const {width, height} = this.canvas.getBoundingClientRect();
        this.columns = Math.max(1, Math.ceil(Math.sqrt(this.places.length * (width || 3) / (height || 2))));
        this.rows = Math.ceil(this.places.length / this.columns);
        this.cells.width = this.columns;
        this.cells.height = this.rows;
    }

    resize() {
        const {width, height} = this.canvas.getBoundingClientRect();
        this.canvas.width = Math.round(width * devicePixelRatio);
        this.canvas.height = Math.round(height * devicePixelRatio);
        this.arrange();
        this.fit();
    }

    /* The smallest scale shows all. */
    get least() {
        return Math.min(this.canvas.width / this.columns, this.canvas.height / this.rows);
    }

    fit() {
        this.scale = this.least;
        this.x = (this.canvas.width - this.columns * this.scale) / 2;
        this.y = 0;
        this.paint();
    }

    show(look, selected) {
        this.look = look ?? this.look;
        this.selected = selected ?? this.selected;
        this.paint();
    }

    paint() {
        if (!this.look || !this.scale) return;
        const colours = coloursNow();
        const image = new ImageData(this.columns, this.rows);
        const pixels = new Uint32Array(image.data.buffer);
        this.places.forEach((mfn, i) => {
            pixels[i] = colours.pixel(this.look[mfn], this.colour);
        });
        this.cells.getContext('2d').putImageData(image, 0, 0);
        const context = this.canvas.getContext('2d');
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.fillStyle = colours.back;
        context.fillRect(0, 0, this.canvas.width, this.canvas.height);
        context.imageSmoothingEnabled = false;
        context.drawImage(this.cells, this.x, this.y, this.columns * this.scale, this.rows * this.scale);
        if (this.scale >= MARKED) this.paintMarks(context, colours);
        this.paintSelected(context, colours);
    }

    /* Lines between cells, pins, and numbers where there is room for them; of the cells that are seen. */
    paintMarks(context, colours) {
        const {scale, x, y} = this;
        const [left, top] = [Math.max(0, Math.floor(-x / scale)), Math.max(0, Math.floor(-y / scale))];
        const right = Math.min(this.columns, Math.ceil((this.canvas.width - x) / scale));
        const bottom = Math.min(this.rows, Math.ceil((this.canvas.height - y) / scale));
        context.font = `${Math.round(scale / 4)}px ui-monospace, monospace`;
        context.textBaseline = 'top';
        context.strokeStyle = colours.back;
        context.lineWidth = 1;
        for (let row = top; row < bottom; row++) {
            for (let column = left; column < right; column++) {
                const mfn = this.places[row * this.columns + column];
                if (mfn === undefined) continue;
                const [px, py] = [x + column * scale, y + row * scale];
                context.strokeRect(px, py, scale, scale);
                context.fillStyle = colours.text(this.look[mfn], this.colour);
                if (isPinned(this.look[mfn]))
                    context.fillRect(px + scale * 0.7, py + scale * 0.1, scale / 5, scale / 5);
                if (scale < READABLE) continue;
                context.fillText(hex(mfn), px + scale * 0.08, py + scale * 0.1);
                context.fillText(KIND_SIGNS[kindOf(this.look[mfn])], px + scale * 0.08, py + scale * 0.55);
            }
        }
    }

    paintSelected(context, colours) {
        const place = this.placeOf.get(this.selected);
        if (place === undefined) return;
        const size = Math.max(this.scale, 3);
        const px = this.x + place % this.columns * this.scale,
              py = this.y + Math.floor(place / this.columns) * this.scale;
        context.lineWidth = 3;
        for (const [grown, colour] of [[3, colours.back], [0, colours.mark]]) {
            context.strokeStyle = colour;
            context.strokeRect(px - 2 - grown, py - 2 - grown, size + 4 + 2 * grown, size + 4 + 2 * grown);
        }
    }

    /* ---- Moving about. */

    zoom(factor, px = this.canvas.width / 2, py = this.canvas.height / 2) {
        const scale = Math.min(ZOOM_MAX * devicePixelRatio, Math.max(this.least, this.scale * factor));
        this.x = px - (px - this.x) * scale / this.scale;
        this.y = py - (py - this.y) * scale / this.scale;
        this.scale = scale;
        this.keepInside();
        this.paint();
    }

    /* No further than its edges. */
    keepInside() {
        const inside = (at, size, room) => size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at));
        this.x = inside(this.x, this.columns * this.scale, this.canvas.width);
        this.y = this.rows * this.scale <= this.canvas.height ?
            0 :
            inside(this.y, this.rows * this.scale, this.canvas.height);
    }

    /* Have frame @mfn in the middle, large enough to be seen. */
    goTo(mfn) {
        const place = this.placeOf.get(mfn);
        if (place === undefined) return;
        this.scale = Math.max(this.scale, READABLE * devicePixelRatio);
        this.x = this.canvas.width / 2 - (place % this.columns + 0.5) * this.scale;
        this.y = this.canvas.height / 2 - (Math.floor(place / this.columns) + 0.5) * this.scale;
        this.keepInside();
        this.paint();
    }

    at(event) {
        const box = this.canvas.getBoundingClientRect();
        return [(event.clientX - box.left) * devicePixelRatio, (event.clientY - box.top) * devicePixelRatio];
    }

    frameAt(event) {
        const [px, py] = this.at(event);
        const [column, row] = [Math.floor((px - this.x) / this.scale), Math.floor((py - this.y) / this.scale)];
        return column < 0 || column >= this.columns || row < 0 ? undefined : this.places[row * this.columns + column];
    }

    wheel(event) {
        event.preventDefault();
        this.zoom(1.0015 ** -event.deltaY, ...this.at(event));
    }

    grasp(event) {
        this.canvas.setPointerCapture(event.pointerId);
        this.grasped = {at: this.at(event), x: this.x, y: this.y, moved: false};
    }

    move(event) {
        if (!this.grasped) return this.hover(this.frameAt(event));
        const [px, py] = this.at(event);
        const [dx, dy] = [px - this.grasped.at[0], py - this.grasped.at[1]];
        if (Math.hypot(dx, dy) > 4) this.grasped.moved = true;
        if (!this.grasped.moved) return;
        this.x = this.grasped.x + dx;
        this.y = this.grasped.y + dy;
        this.keepInside();
        this.paint();
    }

    release(event, choose) {
        const mfn = this.grasped && !this.grasped.moved ? this.frameAt(event) : undefined;
        this.grasped = null;
        if (mfn !== undefined) choose(mfn);
    }

    key(event, choose) {
        const steps = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns};
        if (event.key === '+')
            this.zoom(1.5);
        else if (event.key === '-')
            this.zoom(1 / 1.5);
        else if (event.key === '0')
            this.fit();
        else if (steps[event.key]) {
            const next = this.places[(this.placeOf.get(this.selected) ?? 0) + steps[event.key]];
            if (next !== undefined) choose(next);
        } else
            return;
        event.preventDefault();
    }

    /* ---- For those who only look. */

    /* The picture as it is, whole, as SVG: runs of cells of one colour are one rectangle. */
    svg() {
        const colours = coloursNow();
        const size = 4, parts = [];
        for (let row = 0; row < this.rows; row++) {
            for (let column = 0; column < this.columns;) {
                const at = row * this.columns;
                const colour = this.places[at + column] === undefined ?
                    null :
                    colours.css(this.look[this.places[at + column]], this.colour);
                let end = column + 1;
                while (end < this.columns && this.places[at + end] !== undefined &&
                       colours.css(this.look[this.places[at + end]], this.colour) === colour)
                    end++;
                if (colour)
                    parts.push(
                        `<rect x="${column * size}" y="${row * size}" width="${(end - column) * size}" ` +
                        `height="${size}" fill="${colour}"/>`);
                column = end;
            }
        }
        const [width, height] = [this.columns * size, this.rows * size];
        return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
            `height="${height}" shape-rendering="crispEdges"><title>Frames of a machine, by ${this.colour}</title>` +
            `<rect width="${width}" height="${height}" fill="${colours.back}"/>${parts.join('')}</svg>\n`;
    }
}
