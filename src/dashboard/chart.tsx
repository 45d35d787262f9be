/**
 * Charts, as SVG that is made here. A table says the same to who cannot see it.
 *
 * @module
 */

import type { Html } from "./html.ts";

/** A bar. */
export interface Bar {
  /** What it stands for. */
  readonly label: string;
  /** How high it is; 0 or more. */
  readonly value: number;
}

const HEIGHT = 120;

const BAR_WIDTH = 14;

const STEP = 18;

/** Room for the words below. */
const FOOT = 22;

/**
 * Draws bars side by side.
 *
 * @param chart What it shows, in words, and the bars; the first and the last
 * have their labels below them.
 * @returns An SVG element.
 */
export function BarChart(
  { title, bars }: { title: string; bars: readonly Bar[] },
): Html {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const width = bars.length * STEP;
  const foot = HEIGHT + FOOT - 6;
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${width} ${HEIGHT + FOOT}`}
      role="img"
      aria-label={title}
    >
      {bars.map(({ label, value }, index) => {
        const height = value === 0
          ? 1
          : Math.max(3, Math.round(value / most * HEIGHT));
        return (
          <rect
            x={index * STEP + 2}
            y={HEIGHT - height}
            width={BAR_WIDTH}
            height={height}
          >
            <title>{`${label}: ${value}`}</title>
          </rect>
        );
      })}
      <text x={2} y={foot}>{bars[0]?.label}</text>
      <text x={width} y={foot} text-anchor="end">{bars.at(-1)?.label}</text>
    </svg>
  );
}
