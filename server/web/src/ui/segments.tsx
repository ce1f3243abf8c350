interface SegmentsProps<T extends string> {
  legend: string;
  name: string;
  choices: readonly { value: T; label: string }[];
  value: T;
  onChange(value: T): void;
  /** The id of what explains the choice. */
  describedBy?: string;
}

/** A choice of one among a few, all of them in sight. */
export function Segments<T extends string>({ legend, name, choices, value, onChange, describedBy }: SegmentsProps<T>) {
  return (
    <fieldset class="field choices" aria-describedby={describedBy}>
      <legend>{legend}</legend>
      <div class="segments">
        {choices.map((choice) => (
          <label key={choice.value} class="segment">
            <input
              type="radio"
              name={name}
              value={choice.value}
              checked={choice.value === value}
              onChange={() => onChange(choice.value)}
            />
            <span>{choice.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
