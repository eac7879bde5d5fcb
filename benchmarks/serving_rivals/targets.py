"""What the endpoint is asked to reach beside its rivals, and whether it does."""

A, B, C, D = "(a) constant route", "(b) tutorial", "(c) FastAPI", "(d) MLflow"
AT_LEAST = {"requests 1": {A: 2, B: 40, C: 35, D: 65}, "requests 100": {A: 0.9, B: 16}, "requests 10000": {B: 5}}
AT_MOST = {"p99 1": {A: 1.5}, "p99 100": {A: 1.5}, "memory": {B: 1.2}, "start": {B: 2.5}}


def judge(results: dict[str, dict[str, float]]) -> bool:
    """Print each ratio with what is asked, and return whether all are met."""
    all_met = True
    for bound, asked in (("at least", AT_LEAST), ("at most", AT_MOST)):
        for name, limits in asked.items():
            for rival, limit in limits.items():
                if rival not in results:
                    continue
                ratio = results["ours"][name] / results[rival][name]
                met = ratio >= limit if bound == "at least" else ratio <= limit
                all_met &= met
                what = f"{name} row{'s' if name[-2:] != ' 1' else ''}" if name[-1].isdigit() else name
                busy = name.replace("requests", "processor")
                other = (
                    f", by processor time {results[rival][busy] / results['ours'][busy]:.2f}" if busy != name else ""
                )
                print(f"{what:22} {ratio:6.2f} x {rival:20} {bound} {limit:<5g} {'met' if met else 'MISSED'}{other}")
    return all_met
