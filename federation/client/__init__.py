"""The client library: what a researcher, an analyst or an approver does, on their own machine, with their own keys.

    from federation.client import connect

    with connect("https://hub.example", state="~/circe") as circe:
        question = circe.sql("SELECT ...", project="attendance", purpose="Why it is asked")
        print(question.check())
        frame = question.to_pandas()

The command line does all it does through here. Nothing that the hub says is taken on trust. A manifest is compared with
what was asked before it is signed, its plan is derived again from its SQL, and an approver sees it rendered here, from
the exact bytes that the signature will cover.
"""

from federation.client.asking import Question as Question
from federation.client.asking import QuestionIncomplete as QuestionIncomplete
from federation.client.asking import StillRunning as StillRunning
from federation.client.asking import Submission as Submission
from federation.client.asking import Terms as Terms
from federation.client.connecting import connect as connect
from federation.client.manifests import ManifestMismatch as ManifestMismatch
from federation.client.manifests import Review as Review
from federation.client.manifests import TemplateReview as TemplateReview
from federation.client.manifests import check_soundness as check_soundness
from federation.client.manifests import derive_plan as derive_plan
from federation.client.manifests import review_manifest as review_manifest
from federation.client.member import FederationClient as FederationClient
from federation.client.member import describe_proof as describe_proof
from federation.client.result import Result as Result
from federation.client.result import read_result as read_result
from federation.client.trial import Trial as Trial
from federation.question_check import QuestionCheck as QuestionCheck
