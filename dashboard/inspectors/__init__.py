"""Ten inspectors or one: a case's teacher samples and the student's answer."""
