// Tells whether a sample is unlike all training samples.

import { difference } from "./kinds.js";

/**
 * Return a function that says whether a sample is far from all training samples: farther than any training sample is
 * from its nearest neighbour. Distances are in units of the training ranges.
 */
export function stranger({ controls }, { rows }) {
  const apart = (one, other) =>
    controls.reduce((sum, control, index) => sum + difference(control, one[index], other[index]) ** 2, 0);
  const nearest = (sample) => rows.reduce((least, row) => (row === sample ? least : Math.min(least, apart(sample, row))), Infinity);
  const usual = rows.reduce((most, row) => Math.max(most, nearest(row)), 0);
  return (sample) => rows.length > 1 && nearest(sample) > usual;
}
