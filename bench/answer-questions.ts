/** In a process that `startChild` started: answers each question, and ends the process when nobody is left to ask. */
export function answerQuestions<Question>(answer: (question: Question) => Promise<unknown>): void {
  process.on("message", async (question) => process.send?.(await answer(question as Question)));
  process.on("disconnect", () => process.exit());
}
