import type { Rotation, Token } from "@falkorpat/sdk";
import type { ComponentChildren } from "preact";
import { adviceOn } from "../lib/rotation.js";
import { parseTime } from "../lib/time.js";
import { HOME, Link } from "../router.js";
import { Moment } from "../ui/bits.js";
import { Icon } from "../ui/icons.js";

interface RotationCardProps {
  rotation: Rotation;
  /** The one that is looked at. */
  token: Token;
  now: number;
}

/** Which of two tokens is in use, and whether the old one is still needed. */
export function RotationCard({ rotation, token, now }: RotationCardProps) {
  const ends = parseTime(rotation.old_ends_at) ?? now;
  const isOld = token.token_id === rotation.old_token_id;
  const over = ends <= now || (isOld && !token.is_active);
  const advice = adviceOn(rotation, over, now);
  return (
    <section class="card" aria-labelledby="rotation-title">
      <h2 id="rotation-title" class="card-title">
        Rotation
      </h2>
      <p class={`advice ${advice.safe}`}>
        <Icon name={advice.safe === "no" || advice.safe === "look" ? "warning" : "check"} />
        <span>{advice.text}</span>
      </p>
      <dl class="facts">
        <div>
          <dt>Rotated</dt>
          <dd>
            <Moment at={rotation.rotated_at} now={now} past />
          </dd>
        </div>
        <Side name="Old token" id={rotation.old_token_id} here={isOld} used={rotation.old_last_used} now={now}>
          {over ? "ended" : "ends"} <Moment at={rotation.old_ends_at} now={now} past={over} />
        </Side>
        <Side name="New token" id={rotation.new_token_id} here={!isOld} used={rotation.new_last_used} now={now} />
      </dl>
    </section>
  );
}

interface SideProps {
  name: string;
  id: string;
  here: boolean;
  used: string | null;
  now: number;
  children?: ComponentChildren;
}

function Side({ name, id, here, used, now, children }: SideProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {here ? (
          <>
            <code>{id}</code> <span class="muted">(this one)</span>
          </>
        ) : (
          <Link to={`${HOME}/${encodeURIComponent(id)}`}>
            <code>{id}</code>
          </Link>
        )}
        <span class="sub">{used === null ? "never used" : ["last used ", <Moment at={used} now={now} past />]}</span>
        {children && <span class="sub">{children}</span>}
      </dd>
    </div>
  );
}
