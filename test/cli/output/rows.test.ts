import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Row, renderRows } from "../../../src/cli/output/rows.ts";

describe("renderRows", () => {
  test("aligns texts in a column, puts list items on separate lines, and indents nested rows", () => {
    const rows: Row[] = [
      { label: "A", text: "one" },
      { label: "Longer", text: ["two", "three"] },
      { label: "Empty", text: "" },
      { label: "More", rows: [{ label: "B", text: "four" }] },
    ];
    expect(renderRows(rows, false)).toBe(
      ["A:       one", "Longer:  two", "         three", "Empty:", "More:", "  B:  four", ""].join(
        "\n",
      ),
    );
  });

  test("wraps between words at 80 columns, and keeps long words whole", () => {
    const word = "x".repeat(90);
    expect(renderRows([{ label: "A", text: `${"word ".repeat(20)}${word} end` }], false)).toBe(
      [
        `A:  ${"word ".repeat(15).trim()}`,
        `    ${"word ".repeat(5).trim()}`,
        `    ${word}`,
        "    end",
        "",
      ].join("\n"),
    );
  });

  test("uses colors only if colored is true", () => {
    const rows: Row[] = [
      { label: "A", text: "yes", color: "green" },
      { label: "B", text: "plain" },
    ];
    expect(renderRows(rows, true)).toBe("A:  \x1b[32myes\x1b[39m\nB:  plain\n");
    expect(renderRows(rows, false)).toBe("A:  yes\nB:  plain\n");
  });

  test("sanitizes labels and texts, so that they cannot control the terminal or fake another row", () => {
    const rows: Row[] = [
      { label: "\x1b[2J", text: "\x1b]0;title\x07 \u202egnp\u0085\r\nHealth: ok" },
    ];
    expect(renderRows(rows, false)).toBe(
      "\ufffd[2J:  \ufffd]0;title\ufffd \ufffdgnp\ufffd Health: ok\n",
    );
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(text, text, (label, value) => {
        const output = renderRows([{ label, text: value }], false);
        expect(output.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
