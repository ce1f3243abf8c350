import { HOME, Link } from "../router.js";
import { usePage } from "../ui/page.js";

export function NotFoundPage() {
  const heading = usePage("Not found");
  return (
    <div class="empty">
      <h1 ref={heading} tabIndex={-1}>
        There is no such page
      </h1>
      <p>
        <Link to={HOME}>Go to your tokens</Link>
      </p>
    </div>
  );
}
