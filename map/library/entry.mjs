/* SPDX-License-Identifier: MIT */
/* What the map draws with, of D3: nothing else goes into d3.js. */
export {axisBottom, axisLeft} from 'd3-axis';
export {hierarchy, tree} from 'd3-hierarchy';
export {scaleLinear} from 'd3-scale';
export {select} from 'd3-selection';
export {area, stack, stackOrderNone, curveStepAfter} from 'd3-shape';
