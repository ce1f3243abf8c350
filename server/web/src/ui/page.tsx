import { useEffect, useRef } from "preact/hooks";

let arrivals = 0;

/**
 * usePage names the document after the page, and moves the focus to the page's heading, so that screen readers notice the
 * change; but not on the first page, where the browser has just announced the document itself.
 */
export function usePage(title: string) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · falkorpat`;
  }, [title]);
  useEffect(() => {
    if (arrivals++ > 0) heading.current?.focus();
  }, []);
  return heading;
}
