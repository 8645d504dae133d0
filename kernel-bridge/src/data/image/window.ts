/** Values from level - width / 2 (black) to level + width / 2 (white): DICOM's LINEAR_EXACT, PS3.3 C.11.2.1.3.2. */
export interface Window {
  level: number;
  width: number;
}

/** The window that shows all values that are numbers. */
export function rangeOf(values: Float32Array): Window {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return { level: 0, width: 1 };
  return { level: (low + high) / 2, width: high > low ? high - low : 1 };
}
