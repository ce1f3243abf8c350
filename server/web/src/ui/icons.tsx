// Line icons, drawn here so that none has to be fetched or licensed.

const paths = {
  key: "M10.5 13.5a3.6 3.6 0 1 1-5.1 5.1 3.6 3.6 0 0 1 5.1-5.1Zm0 0L19 5m-3.5 3.5 3 3",
  plus: "M12 5v14M5 12h14",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  check: "m5 12.5 4.5 4.5L19 7.5",
  search: "M11 5a6 6 0 1 1 0 12 6 6 0 0 1 0-12Zm4.5 10.5L20 20",
  refresh: "M19 12a7 7 0 1 1-2-4.9M19 4v4h-4",
  up: "m7 14 5-5 5 5",
  down: "m7 10 5 5 5-5",
  left: "m14 6-6 6 6 6",
  right: "m10 6 6 6-6 6",
  warning: "M12 4 2.8 19.5h18.4L12 4Zm0 6v4.5m0 2.5v.1",
  info: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16Zm0 7v5m0-8v.1",
  close: "m6 6 12 12M18 6 6 18",
  out: "M10 5H5v14h5m4-10 4 3-4 3m4-3H9",
} as const;

export type IconName = keyof typeof paths;

/** Icons say nothing that the text beside them does not; screen readers skip them. */
export function Icon({ name, class: more = "" }: { name: IconName; class?: string }) {
  return (
    <svg class={`icon ${more}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
