"""The paragraphs of the HIPAA Security Rule, 45 CFR Part 164 Subpart C. `asked` tells which questions serve each.

All standards and implementation specifications of 164.308 to 164.316 are here, also those that no template can meet:
a report must say what it does not cover, and whose duty that is. Source: the regulation's text as of 2026-06-20;
`meaning` is a paraphrase of it. The links between checks and paragraphs are those that cdk-nag, prowler and steampipe
publish where they hold, and our own reasoning where nobody publishes one (PostgreSQL's settings, Kinesis, trust
policies). Not taken over: flow logs for 164.312(c)(2), because they record connections and not the data, and minor
upgrades for 164.308(a)(5)(ii)(A), which is about reminding people.

Conditional paragraphs are never claimed: 164.308(a)(4)(ii)(A) binds only clearinghouses, 164.314(b) only group health
plans, though published rule packs cite both for settings of RDS, S3 and SNS.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools


class Kind(enum.StrEnum):
    """164.306(c)-(d): a standard must be met; an addressable specification implemented or its absence documented."""

    STANDARD = "standard"
    REQUIRED = "required"
    ADDRESSABLE = "addressable"


class Nature(enum.StrEnum):
    """How far a template can go: `TECHNICAL` most of the way, `MIXED` a part, the others not at all.

    It never goes all the way: each paragraph has a duty that remains.
    """

    TECHNICAL = "technical"
    MIXED = "mixed"
    PROCESS = "process"
    SHARED = "shared"
    CONDITIONAL = "conditional"


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """One standard or implementation specification. `duty` says who must do what no question can show."""

    citation: str
    title: str
    kind: Kind
    nature: Nature
    meaning: str
    duty: str

    @property
    def section(self) -> str:
        """The section it is in (`164.312`), a key of `SECTIONS`."""
        return self.citation[:7]


SECTIONS = {
    "164.308": "Administrative safeguards",
    "164.310": "Physical safeguards",
    "164.312": "Technical safeguards",
    "164.314": "Organizational requirements",
    "164.316": "Policies and procedures and documentation requirements",
}
"""The headings of the regulation's sections."""

_S, _R, _A = Kind.STANDARD, Kind.REQUIRED, Kind.ADDRESSABLE
_T, _M, _P, _H, _C = Nature.TECHNICAL, Nature.MIXED, Nature.PROCESS, Nature.SHARED, Nature.CONDITIONAL

_AWS = "Shared: AWS for its data centres, under the business associate agreement (evidence in AWS Artifact); "
_FACILITIES = f"{_AWS}your organisation for its own facilities"
_MEDIA = f"{_AWS}your organisation for its own facilities, workstations and media"
_CLIENT = "Your organisation, for its own offices and devices"
_BAA = "Your organisation and AWS: accept the Business Associate Addendum in AWS Artifact before any ePHI arrives"
_RETENTION = (
    "Your organisation: keep policies, records and evidence bundles six years. How long logs are kept supports this and"
    " is not it: the rule names no period for raw logs"
)

_ROWS = (
    ("164.308(a)(1)(i)", "Security management process", _S, _P,
     "Prevent, detect, contain and correct security violations.",
     "Your organisation: the policies and procedures"),
    ("164.308(a)(1)(ii)(A)", "Risk analysis", _R, _P,
     "Assess the risks to ePHI accurately and thoroughly.",
     "Your organisation: this report is an input to the analysis, not the analysis"),
    ("164.308(a)(1)(ii)(B)", "Risk management", _R, _M,
     "Reduce risks to a reasonable and appropriate level.",
     "Your organisation: decide which risks remain, and record it"),
    ("164.308(a)(1)(ii)(C)", "Sanction policy", _R, _P,
     "Sanction members of the workforce who break policy.",
     "Your organisation"),
    ("164.308(a)(1)(ii)(D)", "Information system activity review", _R, _M,
     "Regularly review audit logs, access reports and incident tracking.",
     "Your organisation: read the logs, and keep a record of each review"),
    ("164.308(a)(2)", "Assigned security responsibility", _S, _P,
     "Name the security official.",
     "Your organisation"),
    ("164.308(a)(3)(i)", "Workforce security", _S, _M,
     "Only appropriate members of the workforce have access to ePHI.",
     "Your organisation: people, and identities in the account outside this stack"),
    ("164.308(a)(3)(ii)(A)", "Authorization and/or supervision", _A, _M,
     "Authorise or supervise those who work with ePHI.",
     "Your organisation: who is authorised, and who supervises"),
    ("164.308(a)(3)(ii)(B)", "Workforce clearance procedure", _A, _M,
     "Determine that the access of each person is appropriate.",
     "Your organisation"),
    ("164.308(a)(3)(ii)(C)", "Termination procedures", _A, _P,
     "End access when the work ends.",
     "Your organisation: remove identities and database users in time"),
    ("164.308(a)(4)(i)", "Information access management", _S, _M,
     "Authorise access to ePHI consistently with the Privacy Rule.",
     "Your organisation: the policy that the template's roles implement"),
    ("164.308(a)(4)(ii)(A)", "Isolating health care clearinghouse functions", _R, _C,
     "A clearinghouse inside a larger organisation isolates its ePHI from it.",
     "Only a clearinghouse that is part of a larger organisation; not claimed here"),
    ("164.308(a)(4)(ii)(B)", "Access authorization", _A, _M,
     "Grant access, for example through a workstation, transaction, program or process.",
     "Your organisation: who is granted the policies this stack makes"),
    ("164.308(a)(4)(ii)(C)", "Access establishment and modification", _A, _M,
     "Establish, document, review and modify rights of access.",
     "Your organisation: periodic review of who holds which right"),
    ("164.308(a)(5)(i)", "Security awareness and training", _S, _P,
     "A programme for all members of the workforce, management included.",
     "Your organisation"),
    ("164.308(a)(5)(ii)(A)", "Security reminders", _A, _P,
     "Periodic security updates.",
     "Your organisation: reminders to people"),
    ("164.308(a)(5)(ii)(B)", "Protection from malicious software", _A, _P,
     "Guard against, detect and report malicious software.",
     "Your organisation, on workstations and in the processor's code; no host of this stack runs your software"),
    ("164.308(a)(5)(ii)(C)", "Log-in monitoring", _A, _M,
     "Monitor log-in attempts and report discrepancies.",
     "Your organisation: act on the alarm; console log-ins are watched at account level"),
    ("164.308(a)(5)(ii)(D)", "Password management", _A, _M,
     "Create, change and safeguard passwords.",
     "Your organisation: passwords of people; the stack has only the one RDS manages"),
    ("164.308(a)(6)(i)", "Security incident procedures", _S, _M,
     "Policies and procedures to address security incidents.",
     "Your organisation: the procedure that an alarm starts"),
    ("164.308(a)(6)(ii)", "Response and reporting", _R, _M,
     "Identify, respond to, mitigate and document security incidents and their outcomes.",
     "Your organisation: respond, and keep the record"),
    ("164.308(a)(7)(i)", "Contingency plan", _S, _M,
     "Respond to an emergency that damages systems with ePHI.",
     "Your organisation: the plan itself"),
    ("164.308(a)(7)(ii)(A)", "Data backup plan", _R, _M,
     "Create and maintain retrievable exact copies of ePHI.",
     "Your organisation: decide how long copies are kept, and where else"),
    ("164.308(a)(7)(ii)(B)", "Disaster recovery plan", _R, _M,
     "Restore any loss of data.",
     "Your organisation: the procedure; copies in another Region are outside this stack"),
    ("164.308(a)(7)(ii)(C)", "Emergency mode operation plan", _R, _M,
     "Continue critical processes that protect ePHI in an emergency.",
     "Your organisation: what runs in emergency mode"),
    ("164.308(a)(7)(ii)(D)", "Testing and revision procedures", _A, _P,
     "Periodically test and revise contingency plans.",
     "Your organisation: restore tests, with a report of each"),
    ("164.308(a)(7)(ii)(E)", "Applications and data criticality analysis", _A, _P,
     "Assess how critical each application and its data are.",
     "Your organisation"),
    ("164.308(a)(8)", "Evaluation", _S, _M,
     "Periodic technical and nontechnical evaluation.",
     "Your organisation: run `verify` and `evidence` after changes and periodically; evaluate what is not technical"),
    ("164.308(b)(1)", "Business associate contracts and other arrangements", _S, _P,
     "Satisfactory assurances from business associates.",
     _BAA),
    ("164.308(b)(3)", "Written contract or other arrangement", _R, _P,
     "Document those assurances in a contract that meets 164.314(a).",
     _BAA),
    ("164.310(a)(1)", "Facility access controls", _S, _H,
     "Limit physical access to systems and the facilities that house them.",
     _FACILITIES),
    ("164.310(a)(2)(i)", "Contingency operations", _A, _H,
     "Facility access in support of restoring lost data.",
     _FACILITIES),
    ("164.310(a)(2)(ii)", "Facility security plan", _A, _H,
     "Safeguard the facility and its equipment.",
     _FACILITIES),
    ("164.310(a)(2)(iii)", "Access control and validation procedures", _A, _H,
     "Control and validate a person's access to facilities.",
     _FACILITIES),
    ("164.310(a)(2)(iv)", "Maintenance records", _A, _H,
     "Document repairs of the physical parts of a facility that concern security.",
     _FACILITIES),
    ("164.310(b)", "Workstation use", _S, _P,
     "Proper functions and surroundings of workstations that reach ePHI.",
     _CLIENT),
    ("164.310(c)", "Workstation security", _S, _P,
     "Physical safeguards for all workstations that reach ePHI.",
     _CLIENT),
    ("164.310(d)(1)", "Device and media controls", _S, _H,
     "Receipt, removal and movement of hardware and media with ePHI.",
     _MEDIA),
    ("164.310(d)(2)(i)", "Disposal", _R, _H,
     "Final disposition of ePHI and of the media it is on.",
     _MEDIA),
    ("164.310(d)(2)(ii)", "Media re-use", _R, _H,
     "Remove ePHI from media before they are used again.",
     _MEDIA),
    ("164.310(d)(2)(iii)", "Accountability", _A, _H,
     "Record the movements of hardware and media.",
     _MEDIA),
    ("164.310(d)(2)(iv)", "Data backup and storage", _A, _M,
     "A retrievable exact copy of ePHI before equipment is moved.",
     _MEDIA),
    ("164.312(a)(1)", "Access control", _S, _T,
     "Only authorised persons or software programs reach ePHI.",
     "Your organisation: identities and roles outside this stack"),
    ("164.312(a)(2)(i)", "Unique user identification", _R, _T,
     "A unique name or number identifies and tracks each user.",
     "Your organisation: one identity per person; never share a database user"),
    ("164.312(a)(2)(ii)", "Emergency access procedure", _R, _M,
     "Obtain necessary ePHI during an emergency.",
     "Your organisation: a break-glass role, and the procedure to use it"),
    ("164.312(a)(2)(iii)", "Automatic logoff", _A, _T,
     "End an electronic session after a time of inactivity.",
     "Your organisation: sessions of applications and workstations"),
    ("164.312(a)(2)(iv)", "Encryption and decryption", _A, _T,
     "A mechanism to encrypt and decrypt ePHI.",
     "Your organisation: data that leaves this stack. AWS requires encryption by contract, so it is no choice here"),
    ("164.312(b)", "Audit controls", _S, _T,
     "Record and examine activity in systems that hold ePHI.",
     "Your organisation: CloudTrail, and examining what was recorded"),
    ("164.312(c)(1)", "Integrity", _S, _T,
     "Protect ePHI from improper alteration or destruction.",
     "Your organisation: correctness of what applications write"),
    ("164.312(c)(2)", "Mechanism to authenticate electronic protected health information", _A, _M,
     "Corroborate that ePHI has not been altered or destroyed without authorisation.",
     "Your organisation: checks in the applications that write and read ePHI"),
    ("164.312(d)", "Person or entity authentication", _S, _T,
     "Verify that a person or entity is the one claimed.",
     "Your organisation: MFA and identity proofing of people"),
    ("164.312(e)(1)", "Transmission security", _S, _T,
     "Guard against access to ePHI in transit over a network.",
     "Your organisation: networks outside this VPC"),
    ("164.312(e)(2)(i)", "Integrity controls", _A, _T,
     "Transmitted ePHI is not modified without detection.",
     "Your organisation: clients must verify the server (`sslmode=verify-full`)"),
    ("164.312(e)(2)(ii)", "Encryption", _A, _T,
     "Encrypt ePHI in transit whenever deemed appropriate.",
     "Your organisation: clients outside this stack"),
    ("164.314(a)(1)", "Business associate contracts or other arrangements", _S, _P,
     "What a business associate contract must contain.",
     _BAA),
    ("164.314(a)(2)(i)", "Business associate contracts", _R, _P,
     "The business associate complies with the subpart, binds subcontractors and reports incidents and breaches.",
     _BAA),
    ("164.314(a)(2)(ii)", "Other arrangements", _R, _P,
     "Governmental entities may use a memorandum of understanding or other law instead of a contract.",
     "Your organisation, if it is a governmental entity"),
    ("164.314(a)(2)(iii)", "Business associate contracts with subcontractors", _R, _P,
     "The same terms downstream.",
     "Your organisation, for each subcontractor that reaches ePHI"),
    ("164.314(b)(1)", "Requirements for group health plans", _S, _C,
     "Plan documents bind the plan sponsor to safeguard ePHI.",
     "Only group health plans; not claimed here"),
    ("164.314(b)(2)", "Group health plan documents", _R, _C,
     "Safeguards, separation, agents and incident reports of the plan sponsor.",
     "Only group health plans; not claimed here"),
    ("164.316(a)", "Policies and procedures", _S, _P,
     "Reasonable and appropriate policies and procedures.",
     "Your organisation"),
    ("164.316(b)(1)", "Documentation", _S, _P,
     "Written policies, and a written record of each action, activity or assessment the subpart wants documented.",
     "Your organisation: waivers, reviews, restore tests and evidence bundles belong here"),
    ("164.316(b)(2)(i)", "Time limit", _R, _M,
     "Keep that documentation six years from its creation or its last effective date, whichever is later.",
     _RETENTION),
    ("164.316(b)(2)(ii)", "Availability", _R, _P,
     "Documentation is available to those who implement the procedures.",
     "Your organisation"),
    ("164.316(b)(2)(iii)", "Updates", _R, _P,
     "Review documentation periodically, and update it after changes.",
     "Your organisation"),
)  # fmt: skip


HIPAA: tuple[Paragraph, ...] = tuple(itertools.starmap(Paragraph, _ROWS))
"""Every paragraph in the regulation's order."""
