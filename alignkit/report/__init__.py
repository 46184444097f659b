"""What a run writes for people: tables, figures, the HTML report."""
