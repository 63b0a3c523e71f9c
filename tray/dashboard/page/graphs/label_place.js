/** Where labels stand in a plot. */

/**
 * Return where a line's label begins: beside the line, on the right if there is room, and never
 * beyond the plot, where it would lie over the other axis's ticks.
 *
 * @param {number} at  Place of the line.
 * @param {number} width  Of the label.
 * @param {number} gap  Between line and label.
 * @param {number} left
 * @param {number} right  Ends of the plot.
 */
export function labelBegin(at, width, gap, left, right) {
  if (at + gap + width <= right) return at + gap;
  if (at - gap - width >= left + gap) return at - gap - width;
  return Math.max(left + gap, right - width);
}
