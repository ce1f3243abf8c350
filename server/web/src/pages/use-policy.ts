import type { Policy } from "@falkorpat/sdk";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api.js";
import type { Memory } from "../memory.js";

/**
 * usePolicy is what the operator allows. Until it is known, and where it cannot be fetched, nothing is narrower than the
 * API itself: the server refuses what it does not allow, and names the field.
 */
export function usePolicy(api: Api, memory: Memory): Policy | undefined {
  const [policy, setPolicy] = useState(memory.policy);
  useEffect(() => {
    const load = async () => {
      const result = await api.policy();
      if (!result.ok) return;
      memory.policy = result.value;
      setPolicy(result.value);
    };
    void load();
  }, []);
  return policy;
}
