/** Names under which a plan is kept beside its results, or given to a job, by the language that it is written in. */
export const planNames = ["plan.yaml", "plan.json"] as const

export const keptPlanName = (file: string): (typeof planNames)[number] =>
  file.endsWith(".json") ? "plan.json" : "plan.yaml"
