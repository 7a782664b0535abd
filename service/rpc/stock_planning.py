"""Serves the part of `InventoryService` that plans: names, safety levels, plans and shares."""

import grpc

from concord.inventory.v1 import channel_stock_pb2 as channel_pb
from concord.inventory.v1 import inventory_service_pb2 as pb
from concord.inventory.v1 import planning_pb2 as plan_pb
from service.application.ports import Clock
from service.application.stock_plan_ports import StockPlanReader
from service.application.stock_planning import StockPlanning
from service.domain.stock import number_for
from service.rpc import stock_answers as answers
from service.rpc import stock_requests as requests
from service.rpc.calling import Mutations, Work
from service.rpc.violations import Violations


class NamesServing:
    """What channels' items consist of, and what may still be sold of them."""

    _mutations: Mutations
    _plans: StockPlanReader

    def SetSkuMapping(
        self, request: pb.SetSkuMappingRequest, context: grpc.ServicerContext
    ) -> channel_pb.SkuMapping:
        """Say of which articles a channel's item consists."""

        def work(tools: Work) -> channel_pb.SkuMapping:
            read = Violations()
            channel, item = requests.read_item(request, read)
            parts = requests.read_parts(request, read)
            read.refuse()
            return answers.mapping_message(_planning(tools).set_mapping(channel, item, parts))

        return self._mutations.run(request, context, channel_pb.SkuMapping, work)

    def DeleteSkuMapping(
        self, request: pb.DeleteSkuMappingRequest, context: grpc.ServicerContext
    ) -> channel_pb.SkuMapping:
        """Forget of which articles a channel's item consists."""

        def work(tools: Work) -> channel_pb.SkuMapping:
            read = Violations()
            channel, item = requests.read_item(request, read)
            read.refuse()
            return answers.mapping_message(_planning(tools).drop_mapping(channel, item))

        return self._mutations.run(request, context, channel_pb.SkuMapping, work)

    def ListSkuMappings(
        self, request: pb.ListSkuMappingsRequest, context: grpc.ServicerContext
    ) -> pb.ListSkuMappingsResponse:
        """List mappings by channel and item."""
        page = self._plans.mappings(requests.read_query(request))
        return pb.ListSkuMappingsResponse(
            mappings=[answers.mapping_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def ListUnmappedSkus(
        self, request: pb.ListUnmappedSkusRequest, context: grpc.ServicerContext
    ) -> pb.ListUnmappedSkusResponse:
        """List items that orders name and that no mapping explains."""
        page = self._plans.unmapped_skus(requests.read_query(request))
        return pb.ListUnmappedSkusResponse(
            unmapped=[answers.unmapped_message(*each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def SetAllocation(
        self, request: pb.SetAllocationRequest, context: grpc.ServicerContext
    ) -> channel_pb.Allocation:
        """Divide an article among channels, or let all of them have it from one pool."""

        def work(tools: Work) -> channel_pb.Allocation:
            read = Violations()
            sku = read.text("sku", request.sku, needed=True)
            percents = requests.read_percents(request, read)
            read.refuse()
            told = _planning(tools).allocate(sku, percents)
            return answers.allocation_message(sku, *told)

        return self._mutations.run(request, context, channel_pb.Allocation, work)

    def GetAllocation(
        self, request: pb.GetAllocationRequest, context: grpc.ServicerContext
    ) -> channel_pb.Allocation:
        """Return how an article is divided among channels."""
        read = Violations()
        sku = read.text("sku", request.sku, needed=True)
        read.refuse()
        return answers.allocation_message(sku, *self._plans.allocation(sku))

    def GetChannelLevel(
        self, request: pb.GetChannelLevelRequest, context: grpc.ServicerContext
    ) -> channel_pb.ChannelLevel:
        """Return what a channel may still sell of one of its items."""
        read = Violations()
        channel, item = requests.read_item(request, read)
        read.refuse()
        return answers.level_message(self._plans.level(channel, item))

    def ListChannelLevels(
        self, request: pb.ListChannelLevelsRequest, context: grpc.ServicerContext
    ) -> pb.ListChannelLevelsResponse:
        """List what a channel may still sell of each of its items."""
        page = self._plans.levels(requests.read_query(request))
        return pb.ListChannelLevelsResponse(
            levels=[answers.level_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def ListOversales(
        self, request: pb.ListOversalesRequest, context: grpc.ServicerContext
    ) -> pb.ListOversalesResponse:
        """List what late orders sold of articles that were gone, newest first."""
        page = self._plans.oversales(requests.read_query(request))
        return pb.ListOversalesResponse(
            oversales=[answers.oversale_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )


class SupplyServing:
    """How much of an article is safe, and what of it is to come."""

    _mutations: Mutations
    _plans: StockPlanReader
    _clock: Clock

    def SetSafetyLevel(
        self, request: pb.SetSafetyLevelRequest, context: grpc.ServicerContext
    ) -> plan_pb.Article:
        """Say below which number of free pieces somebody must act."""

        def work(tools: Work) -> plan_pb.Article:
            read = Violations()
            sku = read.text("sku", request.sku, needed=True)
            level = requests.read_count("safety_level", request.safety_level, read)
            owner = read.word("owner_role", request.owner_role, needed=False)
            read.refuse()
            return answers.article_message(*_planning(tools).set_safety_level(sku, level, owner))

        return self._mutations.run(request, context, plan_pb.Article, work)

    def ListArticles(
        self, request: pb.ListArticlesRequest, context: grpc.ServicerContext
    ) -> pb.ListArticlesResponse:
        """List articles that have a safety level, by name."""
        query = requests.read_query(request, is_red=request.is_red)
        page = self._plans.articles(query, at=self._clock())
        return pb.ListArticlesResponse(
            articles=[answers.article_message(*each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def CreatePurchasePlan(
        self, request: pb.CreatePurchasePlanRequest, context: grpc.ServicerContext
    ) -> plan_pb.PurchasePlan:
        """Write down what is to come."""

        def work(tools: Work) -> plan_pb.PurchasePlan:
            read = Violations()
            number = number_for("pln", tools.fresh_id)
            plan = requests.read_plan(request.plan, read, plan_id=number, at=tools.at)
            read.refuse()
            return answers.plan_message(_planning(tools).add_plan(plan))

        return self._mutations.run(request, context, plan_pb.PurchasePlan, work)

    def GetPurchasePlan(
        self, request: pb.GetPurchasePlanRequest, context: grpc.ServicerContext
    ) -> plan_pb.PurchasePlan:
        """Return a plan."""
        read = Violations()
        name = read.resource("name", request.name, answers.PLANS)
        read.refuse()
        return answers.plan_message(self._plans.plan(name))

    def ListPurchasePlans(
        self, request: pb.ListPurchasePlansRequest, context: grpc.ServicerContext
    ) -> pb.ListPurchasePlansResponse:
        """List plans, the next to come first."""
        query = requests.read_query(request, state=requests.read_state(request))
        page = self._plans.plans(query)
        return pb.ListPurchasePlansResponse(
            plans=[answers.plan_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def ReceivePurchasePlan(
        self, request: pb.ReceivePurchasePlanRequest, context: grpc.ServicerContext
    ) -> plan_pb.PurchasePlan:
        """PLANNED → RECEIVED."""

        def work(tools: Work) -> plan_pb.PurchasePlan:
            read = Violations()
            name = read.resource("name", request.name, answers.PLANS)
            pieces = requests.read_count("received", request.received, read)
            read.refuse()
            return answers.plan_message(_planning(tools).receive_plan(name, pieces))

        return self._mutations.run(request, context, plan_pb.PurchasePlan, work)

    def DropPurchasePlan(
        self, request: pb.DropPurchasePlanRequest, context: grpc.ServicerContext
    ) -> plan_pb.PurchasePlan:
        """PLANNED → DROPPED."""

        def work(tools: Work) -> plan_pb.PurchasePlan:
            read = Violations()
            name = read.resource("name", request.name, answers.PLANS)
            read.refuse()
            return answers.plan_message(_planning(tools).drop_plan(name))

        return self._mutations.run(request, context, plan_pb.PurchasePlan, work)


def _planning(tools: Work) -> StockPlanning:
    return StockPlanning(tools.unit, tools.at)
