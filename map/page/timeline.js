/* SPDX-License-Identifier: MIT */
/* How many frames were of each kind, operation by operation, and the time that is shown. */

const TIMELINE = {
    height: 150,
    left: 52,
    right: 10,
    top: 8,
    bottom: 24
};

class Timeline {
    constructor(place, data, choose) {
        Object.assign(this, {place, data, choose});
        this.svg = d3.select(place)
                       .append('svg')
                       .attr('role', 'img')
                       .attr('aria-label', 'How many frames were of each kind, over the operations');
        this.svg.on('click', event => this.pick(event));
        new ResizeObserver(() => this.draw()).observe(place);
    }

    /* Free frames and the hypervisor's are left out: they would be most of it. */
    get kinds() {
        return this.tablesOnly ? ['L1', 'L2', 'L3', 'L4', 'descriptors'] : KINDS.slice(2);
    }

    draw() {
        const width = this.place.clientWidth;
        const {height, left, right, top, bottom} = TIMELINE;
        const rows = d3.stack().keys(this.kinds).value((bin, kind) => bin.counts[KINDS.indexOf(kind)])(this.data.bins);
        const most = Math.max(1, ...rows.at(-1).map(([, end]) => end));
        this.x = d3.scaleLinear([0, this.data.operations], [left, width - right]);
        const y = d3.scaleLinear([0, most], [height - bottom, top]);
        const area = d3.area()
                         .curve(d3.curveStepAfter)
                         .x(point => this.x(point.data.number))
                         .y0(point => y(point[0]))
                         .y1(point => y(point[1]));
        this.svg.attr('viewBox', `0 0 ${width} ${height}`).attr('width', width).attr('height', height);
        this.svg.selectAll('*').remove();
        this.svg.selectAll('path')
            .data(rows)
            .join('path')
            .attr('d', area)
            .attr('fill', row => `var(--${row.key.toLowerCase()})`)
            .append('title')
            .text(row => row.key);
        this.svg.append('g')
            .attr('transform', `translate(0,${height - bottom})`)
            .call(d3.axisBottom(this.x).ticks(Math.max(2, width / 110)));
        this.svg.append('g').attr('transform', `translate(${left},0)`).call(d3.axisLeft(y).ticks(4));
        this.moment = this.svg.append('line')
                          .attr('class', 'moment')
                          .attr('y1', top)
                          .attr('y2', height - bottom)
                          .attr('x1', this.x(this.data.moment))
                          .attr('x2', this.x(this.data.moment));
        this.cursor = this.svg.append('line').attr('class', 'cursor').attr('y1', top).attr('y2', height - bottom);
        this.show(this.number ?? this.data.moment);
    }

    show(number) {
        this.number = number;
        this.cursor?.attr('x1', this.x(number)).attr('x2', this.x(number));
    }

    pick(event) {
        const box = this.svg.node().getBoundingClientRect();
        const number = Math.round(this.x.invert(event.clientX - box.left));
        this.choose(Math.max(0, Math.min(this.data.operations, number)));
    }
}
