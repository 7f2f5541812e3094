import { sampleSelfTimes } from "./self-times.ts";

/** Asks a process, whatever it is for, what its time goes into: its answer are its `SelfTimes`. */
export const profileQuestion = "profile";

/** How long it looks, in milliseconds: less than a load takes. */
const profileMs = 1500;

/** In a process that `startChild` started: answers each question, and ends the process when nobody is left to ask. */
export function answerQuestions<Question>(answer: (question: Question) => Promise<unknown>): void {
  process.on("message", async (question) => {
    const isProfile = question === profileQuestion;
    process.send?.(await (isProfile ? sampleSelfTimes(profileMs) : answer(question as Question)));
  });
  process.on("disconnect", () => process.exit());
}
